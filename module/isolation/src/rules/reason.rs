//! Why a container is refused, as it reaches people: in a task's status, in logs.

/// Longest reason, in bytes; what is beyond is cut off.
pub const REASON_BYTES_MAX: usize = 1000;

/// The reason of a rule of this name, and a fault where it could not be made.
pub(super) fn of(rule: &str, made: Result<String, String>) -> (String, Option<String>) {
    let instead = || format!("refused by the rule {rule:?}");
    match made.map(|text| one_line(&text)) {
        Ok(reason) if reason.is_empty() => {
            (instead(), Some(format!("rule {rule:?}: its reason to refuse is empty")))
        }
        Ok(reason) => (reason, None),
        Err(why) => (instead(), Some(format!("rule {rule:?}: its reason to refuse cannot be made: {why}"))),
    }
}

/// Text of frameworks on one line, without signs that a terminal obeys, and not too long.
fn one_line(text: &str) -> String {
    let printable = |sign: char| if sign.is_control() { ' ' } else { sign };
    let line: String = text.chars().map(printable).collect();
    let line = line.trim();
    if line.len() <= REASON_BYTES_MAX {
        return line.to_owned();
    }
    let end = line.floor_char_boundary(REASON_BYTES_MAX - '…'.len_utf8());
    format!("{}…", &line[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_bounded_length_whatever_a_framework_writes() {
        assert_eq!(of("r", Ok("no\n\u{1b}[2J image ".to_owned())).0, "no  [2J image");
        let (long, fault) = of("r", Ok("ä".repeat(REASON_BYTES_MAX)));
        assert!(long.len() <= REASON_BYTES_MAX && long.ends_with("ä…"), "{long}");
        assert_eq!(fault, None);
    }

    #[test]
    fn a_reason_that_cannot_be_made_or_says_nothing_is_replaced_by_the_name_of_the_rule() {
        for made in [Err("`task.name` is not known here".to_owned()), Ok("\n ".to_owned())] {
            let (reason, fault) = of("no root", made);
            assert_eq!(reason, "refused by the rule \"no root\"");
            assert!(fault.unwrap().starts_with("rule \"no root\": its reason to refuse "));
        }
    }
}
