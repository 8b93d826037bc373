//! `apportion.toml` and module parameters.

use std::collections::BTreeSet;

use apportion_config::{Config, Examination, schema_keys};

use crate::entropy::Entropy;

/// Values that parameters are drawn from, besides any bytes.
const VALUES: [&[u8]; 16] = [
    b"0",
    b"1",
    b"-1",
    b"true",
    b"false",
    b"unlimited",
    b"1024:4096",
    b"4096:1024",
    b"{{ agent.id }}",
    b"{{ task.name | default('x') }}",
    b"[]",
    b"18446744073709551616",
    b"8GiB",
    b"10%",
    b"15s",
    b"cpus, mem",
];

/// Runs the target: by the first byte, on parameters or on the text of a file.
///
/// # Panics
/// If problems do not say where they are, or the same input gives different settings.
pub fn run(input: &[u8]) {
    let entropy = &mut Entropy::new(input);
    if entropy.flag() {
        let parameters = parameters(entropy);
        let examination = Config::examine_parameters(&parameters);
        assert_eq!(Config::examine_parameters(&parameters), examination);
        check(&examination);
        return;
    }
    let text = String::from_utf8_lossy(entropy.rest()).into_owned();
    let examination = Config::examine_text(&text, "a file");
    assert_eq!(Config::examine_text(&text, "a file"), examination);
    check(&examination);
    if examination.problems.is_none() {
        // Bounded input, bounded output: a value comes from the file alone.
        let rules = &examination.config.hook;
        let length: usize = rules.labels.iter().map(|rule| rule.template.source().len()).sum();
        assert!(length <= text.len());
    }
}

/// Keys of the schema and others, with values that suit and others. None names a file: what it holds is not the input.
fn parameters(entropy: &mut Entropy<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let keys = schema_keys();
    let mut parameters = Vec::new();
    while !entropy.is_used_up() && parameters.len() < 64 {
        let mut key = match entropy.below(4) {
            0 => bytes(entropy),
            _ => keys[entropy.below(keys.len().min(256))].as_bytes().to_vec(),
        };
        if entropy.flag() {
            key.push(b'.');
            key.extend(bytes(entropy));
        }
        let value = if entropy.flag() { bytes(entropy) } else { entropy.pick(&VALUES).to_vec() };
        if key != b"config" {
            parameters.push((key, value));
        }
    }
    parameters
}

fn bytes(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let length = entropy.below(24);
    entropy.take(length).to_vec()
}

/// Every problem says where it is, what is there, and what would be right.
fn check(examination: &Examination) {
    let Some(problems) = &examination.problems else {
        let _ = examination.config.hook.rules_in_order();
        let _ = examination.config.isolator.settings();
        let lending = &examination.config.lending;
        assert!(lending.lenders.is_empty() || !lending.borrowers.is_empty(), "{lending:?}");
        return;
    };
    assert!(problems.len() >= problems.iter().len() && problems.len() > 0);
    let lines: BTreeSet<usize> = problems.to_string().lines().map(str::len).collect();
    assert!(!lines.is_empty());
    for problem in problems.iter() {
        assert!(!problem.found.is_empty() && !problem.expected.is_empty(), "{problem:?}");
        let controls = |text: &str| text.chars().any(|c| c.is_control());
        assert!(!controls(&problem.path) && !controls(&problem.found), "for one line of a log: {problem:?}");
        if let Some(place) = &problem.place {
            assert!(place.line > 0 && place.column > 0, "{problem:?}");
        }
    }
}
