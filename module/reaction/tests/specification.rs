//! What may be run: bad commands are refused with a reason that holds no value.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use apportion_reaction::{ARGUMENT_BYTES_MAX, Command, CommandError, DOCUMENT_BYTES_MAX};

const SECRET: &str = "opensesame";

fn refused(argv: &[&str]) -> String {
    Command::new("notify", argv).unwrap_err().to_string()
}

fn base() -> Command {
    Command::new("notify", ["/bin/true"]).unwrap()
}

#[test]
fn a_program_is_named_by_its_absolute_path() {
    assert_eq!(refused(&[]), "command of rule \"notify\": no program; name one with its absolute path");
    let relative =
        "command of rule \"notify\": the program \"notify.sh\" is not an absolute path; begin it with /";
    assert_eq!(refused(&["notify.sh", SECRET]), relative);
    assert!(matches!(Command::new("r", [""]), Err(CommandError::RelativeProgram { .. })));
}

#[test]
fn a_zero_byte_is_refused_with_its_place_and_without_the_value() {
    let told = refused(&["/bin/true", "a", &format!("{SECRET}\0")]);
    assert_eq!(told, "command of rule \"notify\": a zero byte in argument 2; take it out");
    let told = base().variable("TOKEN", &format!("\0{SECRET}")).unwrap_err().to_string();
    assert_eq!(told, "command of rule \"notify\": a zero byte in variable TOKEN; take it out");
}

#[test]
fn a_name_that_no_variable_can_have_is_refused() {
    for name in ["", "A=B", "="] {
        let error = base().variable(name, SECRET).unwrap_err();
        assert_eq!(error, CommandError::VariableName { label: "notify".into(), name: name.into() });
    }
}

#[test]
fn what_is_too_long_is_refused() {
    let long = "x".repeat(ARGUMENT_BYTES_MAX);
    assert!(matches!(Command::new("r", ["/bin/true", &long]), Err(CommandError::TooLong { .. })));
    let half = "x".repeat(ARGUMENT_BYTES_MAX / 2);
    let half_full = base().variable("A", &half).unwrap();
    let told = half_full.clone().variable("B", &half).unwrap_err().to_string();
    assert!(told.contains("arguments and environment of") && told.ends_with("make it shorter"), "{told}");
    assert!(half_full.variable("A", &half).is_ok(), "it replaces the first");
    let document = "x".repeat(DOCUMENT_BYTES_MAX - 3);
    assert!(base().document(&document).is_ok());
    assert!(matches!(
        base().document(&format!("{document}x")),
        Err(CommandError::TooLong { what: "document", .. })
    ));
}

#[test]
fn a_document_that_json_cannot_hold_is_refused() {
    let map = std::collections::BTreeMap::from([((1, 2), SECRET)]);
    let error = base().document(&map).unwrap_err();
    assert_eq!(error, CommandError::Document { label: "notify".into() });
}

#[test]
fn a_debug_text_has_no_values() {
    let command = Command::new("notify", ["/bin/true", SECRET])
        .unwrap()
        .variable("TOKEN", SECRET)
        .unwrap()
        .document(&SECRET)
        .unwrap();
    let debug = format!("{command:?}");
    assert!(!debug.contains(SECRET), "{debug}");
    assert!(debug.contains("notify") && debug.contains("/bin/true") && debug.contains("TOKEN"), "{debug}");
}
