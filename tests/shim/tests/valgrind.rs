//! The four modules under valgrind, which also watches the Rust side; the sanitizers see the shim only.

use apportion_rig::Variant;
use apportion_shim_tests::Driver;

const OPTIONS: [&str; 4] =
    ["--leak-check=full", "--show-leak-kinds=definite", "--num-callers=30", "--error-exitcode=0"];

/// The reports of valgrind: paragraphs between lines that hold nothing but the process number.
fn reports(text: &str) -> Vec<String> {
    let mut reports = vec![String::new()];
    for line in text.lines().filter(|line| line.starts_with("==")) {
        let said = line.trim_start_matches(|c: char| c == '=' || c.is_ascii_digit()).trim();
        match reports.last_mut() {
            Some(report) if !said.is_empty() => *report += &format!("{said}\n"),
            _ => reports.push(String::new()),
        }
    }
    reports
}

#[test]
#[ignore = "needs valgrind; run by: cargo xtask test --only valgrind"]
fn every_method_of_every_module_is_clean_under_valgrind() {
    let driver = Driver::of(Variant::Plain);
    let answer = driver.run_all_under("valgrind", &OPTIONS, "apt-get install valgrind");
    assert!(answer.went_well(), "{}", answer.text());
    assert!(!answer.lines_with("checks held").is_empty(), "{}", answer.text());
    // The host loses some memory of its own when its process ends without tearing down.
    let ours: Vec<String> = reports(&answer.text())
        .into_iter()
        .filter(|report| report.contains("at 0x"))
        .filter(|report| !report.contains("are definitely lost") || report.contains("libapportion.so"))
        .collect();
    assert!(ours.is_empty(), "{}", ours.join("\n"));
    assert!(!answer.lines_with("ERROR SUMMARY").is_empty(), "valgrind did not run: {}", answer.text());
}
