//! Templates of rules: what compiles gives a value or a reason, within its bounds, whatever the facts are.

use apportion_policy::{
    AgentFacts, ContainerFacts, ExecutorFacts, FAULTS_MAX, Facts, FrameworkFacts, HookPoint, ROOTS, RuleSet,
    SOURCE_BYTES_MAX, TaskFacts, Template, VALUE_BYTES_MAX, text, text_map,
};

use crate::entropy::Entropy;

/// Pieces that templates are made of.
const PIECES: [&str; 48] = [
    "{{",
    "}}",
    "{{ ",
    " }}",
    "framework",
    ".role",
    "task",
    ".name",
    "agent",
    ".attributes",
    ".rack",
    "['",
    "']",
    "[",
    "]",
    "(",
    ")",
    " | ",
    "default",
    "('none')",
    "lower",
    "upper",
    "trim",
    "replace",
    "('a', 'bb')",
    "truncate",
    "(8)",
    " ~ ",
    " if ",
    " else ",
    " and ",
    " or ",
    " not ",
    " is ",
    "defined",
    " in ",
    " == ",
    " < ",
    "'text'",
    "1",
    "-",
    "{%",
    "%}",
    "{#",
    "#}",
    "\\",
    "\"",
    "\u{fffd}",
];

/// Runs the target: by the first byte, on a template as it stands or made of pieces.
///
/// # Panics
/// If a value is longer than allowed, differs when made again, or a rule that faults stays on.
pub fn run(input: &[u8]) {
    let entropy = &mut Entropy::new(input);
    let pieces = entropy.flag();
    let facts = facts(entropy);
    let source =
        if pieces { made_of_pieces(entropy) } else { String::from_utf8_lossy(entropy.rest()).into() };
    let roots: Vec<&str> = ROOTS.iter().map(|root| root.name).collect();
    match Template::compile(&source, &roots) {
        Ok(template) => {
            assert!(source.len() <= SOURCE_BYTES_MAX);
            assert_eq!(template.source(), source);
            check(&template, &facts);
            check(&template, &Facts::default());
        }
        Err(fault) => {
            assert!(!fault.reasons.is_empty() && !fault.to_string().is_empty());
            // Where less is known, no more is allowed.
            assert!(Template::compile(&source, &roots[..1]).is_err());
        }
    }
}

fn check(template: &Template, facts: &Facts) {
    let value = template.render(facts);
    assert_eq!(template.render(facts), value, "the same facts, the same value");
    match &value {
        Ok(value) => assert!(value.len() <= VALUE_BYTES_MAX),
        Err(reason) => assert!(!reason.is_empty()),
    }
    let rules = RuleSet::environment("section", [("NAME".to_owned(), template.clone())]);
    for round in 0..=FAULTS_MAX {
        let outcome = rules.apply(HookPoint::ContainerPrepare, facts);
        let faulty = value.as_ref().map_or(true, |value| value.contains('\0'));
        assert_eq!(outcome.values.len(), usize::from(!faulty), "{outcome:?}");
        assert_eq!(outcome.faults.len(), usize::from(faulty && round < FAULTS_MAX), "{outcome:?}");
    }
}

fn made_of_pieces(entropy: &mut Entropy<'_>) -> String {
    let mut source = String::new();
    while !entropy.is_used_up() && source.len() <= SOURCE_BYTES_MAX {
        source.push_str(entropy.pick(&PIECES));
    }
    source
}

/// Facts of any text, some of them unknown.
fn facts(entropy: &mut Entropy<'_>) -> Facts {
    let known = entropy.byte();
    let mut word = || {
        let length = entropy.below(12);
        let bytes = entropy.take(length);
        // As long as a label of the host can be.
        let times = if bytes.first() == Some(&b'!') { 4000 } else { 1 };
        text(bytes).repeat(times)
    };
    let (one, other) = (word(), word());
    let map = Some(text_map([(&b"rack"[..], one.as_bytes()), (b"", b"x"), (b"a.b", other.as_bytes())]));
    let (one, other) = (Some(one), Some(other));
    let part = |bit: u8| known & (1 << bit) != 0;
    Facts {
        framework: part(0).then(|| FrameworkFacts {
            id: one.clone(),
            role: other.clone(),
            labels: map.clone(),
            ..FrameworkFacts::default()
        }),
        task: part(1).then(|| TaskFacts { name: one.clone(), labels: map.clone(), ..TaskFacts::default() }),
        executor: part(2).then(|| ExecutorFacts { command: other.clone(), ..ExecutorFacts::default() }),
        agent: part(3).then(|| AgentFacts {
            hostname: one.clone(),
            attributes: map.clone(),
            ..AgentFacts::default()
        }),
        container: part(4).then(|| ContainerFacts { id: other, resources: map, ..ContainerFacts::default() }),
    }
}
