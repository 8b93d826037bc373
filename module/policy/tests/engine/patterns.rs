//! Patterns and one-line tests: what they match, and what is said about wrong ones.

use apportion_policy::{
    Amount, AttributeTest, ContainerType, PATTERN_BYTES_MAX, Pattern, ResourceTest, Share, TextField,
};
use proptest::prelude::*;

fn matches(pattern: &str, text: &str) -> bool {
    Pattern::parse(pattern).unwrap().matches(text)
}

fn role_matches(pattern: &str, role: &str) -> bool {
    TextField::Role.pattern(pattern).unwrap().matches(role)
}

#[test]
fn literal_is_the_whole_text_and_nothing_else() {
    assert!(matches("web", "web"));
    assert!(!matches("web", "web-1") && !matches("web", "Web") && !matches("web", ""));
    assert!(matches("a.b", "a.b") && !matches("a.b", "axb"));
    assert!(matches("größe", "größe"));
}

#[test]
fn glob_is_for_the_whole_text() {
    assert!(matches("web-*", "web-") && matches("web-*", "web-1/a\nb") && !matches("web-*", "my-web-1"));
    assert!(matches("*", "") && matches("*", "anything") && matches("größe*", "größer"));
    assert!(matches("web-[0-9]", "web-7") && !matches("web-[!0-9]", "web-7"));
    assert!(matches("{web,api}-?", "api-1") && !matches("{web,api}-?", "db-1"));
    assert!(matches("a\\*b", "a*b") && !matches("a\\*b", "aab"));
    assert!(matches("registry/*:latest", "registry/team/app:latest"));
}

#[test]
fn star_in_a_role_stays_within_a_component_and_two_stars_do_not() {
    assert!(role_matches("prod/*", "prod/web") && !role_matches("prod/*", "prod/web/api"));
    assert!(role_matches("prod/**", "prod/web") && role_matches("prod/**", "prod/web/api"));
    assert!(!role_matches("prod/**", "prod") && !role_matches("prod/**", "production/web"));
    assert!(role_matches("**/web", "web") && role_matches("**/web", "a/b/web"));
    assert!(role_matches("a/**/z", "a/z") && role_matches("a/**/z", "a/b/c/z"));
    assert!(!role_matches("*", "a/b") && role_matches("**", "a/b") && !role_matches("prod?web", "prod/web"));
    assert!(role_matches("prod", "prod") && !role_matches("prod", "prod/web"));
}

#[test]
fn regular_expression_is_found_anywhere_unless_anchored() {
    assert!(matches("/spark/", "my-spark-1") && !matches("/^spark/", "my-spark-1"));
    assert!(matches("/^web-[0-9]+$/", "web-12") && !matches("/^web-[0-9]+$/", "web-"));
    assert!(matches("/(?i)WEB/", "web") && matches("/^\\w+$/", "größe") && matches("/^.$/", "é"));
    assert!(role_matches("/^prod/", "prod/a/b"));
    assert!(matches("/", "/"), "a single slash is text");
}

#[test]
fn wrong_patterns_are_told_with_what_is_expected() {
    let said = |source: &str| Pattern::parse(source).unwrap_err().to_string();
    assert_eq!(
        said(""),
        "found an empty pattern, expected text, a glob such as web-*, or a regular expression such as /^web-/"
    );
    assert!(said("//").starts_with("found an empty regular expression `//`"));
    assert!(said("/(/").starts_with("found `/(/`, no regular expression: unclosed group"), "{}", said("/(/"));
    assert!(said("web-[").starts_with("found `web-[`, no glob: "), "{}", said("web-["));
    assert!(said("{a").contains("no glob"), "{}", said("{a"));
    assert!(said("[é]").contains("letters outside ASCII"));
    assert!(said(&"x".repeat(PATTERN_BYTES_MAX + 1)).contains("513 bytes, expected at most 512 bytes"));
    assert!(said("/\\p{Greek}/").starts_with("found a Unicode class (\\p) in `/\\p{Greek}/`, expected \\w"));
    assert!(matches("/\\\\p/", "a\\p"), "a backslash and a letter");
    let role = Pattern::parse_role("prod**").unwrap_err().to_string();
    assert!(role.contains("whole components") && role.ends_with("such as prod/** or prod/web-*"), "{role}");
}

#[test]
fn regular_expressions_that_grow_are_refused() {
    for source in
        ["/(a{100}){100}{100}/", "/\\w{1000}{20}/", "/((((((((((((((((((((((((((a))))))))))))))))))))))))))/"]
    {
        let fault = Pattern::parse(source).unwrap_err();
        assert!(fault.to_string().contains("regular expression"), "{fault}");
    }
}

#[test]
fn attribute_tests_compare_numbers_as_numbers_and_the_rest_as_text() {
    let holds = |test: &str, value: Option<&str>| AttributeTest::parse(test).unwrap().holds(value);
    assert!(holds("rack=3", Some("3")) && holds("rack == 3.0", Some("3")) && !holds("rack=3", Some("30")));
    assert!(!holds("rack=3", None) && holds("rack != 3", None) && holds("rack!=3", Some("4")));
    assert!(
        holds("zone in [a, b]", Some("b"))
            && !holds("zone in [a,b]", Some("c"))
            && !holds("zone in [a]", None)
    );
    assert!(holds("zone not in [a, b]", Some("c")) && holds("zone not in [a]", None));
    assert!(holds("zone in ['x, y', \"z]\"]", Some("x, y")) && holds("zone in ['x', \"z]\"]", Some("z]")));
    assert!(holds("ssd", Some("")) && !holds("ssd", None));
    assert!(
        holds("level > 2", Some("10")) && !holds("level > 2", Some("2")) && holds("level >= 2", Some("2.0"))
    );
    assert!(holds("level < 2", Some("-1")) && !holds("level < 2", Some("low")) && !holds("level <= 2", None));
    assert!(holds("name = ' a '", Some(" a ")) && holds("within = x", Some("x")));
}

#[test]
fn wrong_attribute_tests_are_told() {
    let wrong = [
        "",
        " ",
        "=3",
        "rack=",
        "rack = a, b",
        "zone in []",
        "zone in [a",
        "zone in [a,,b]",
        "zone in a]",
        "in [a]",
        "zone in ['a]",
        "level > high",
        "a b",
        "a = 'x' y",
        "a = b = c",
        "rack => 3",
    ];
    for text in wrong {
        let fault = AttributeTest::parse(text).expect_err(text);
        assert!(fault.found.starts_with('`') && fault.expected.contains('`'), "{fault}");
    }
    let order = AttributeTest::parse("level > high").unwrap_err().to_string();
    assert_eq!(order, "found `level > high`, expected a number behind `>`, such as `level > 2`");
}

#[test]
fn value_that_looks_like_a_part_of_the_sign_is_refused_with_the_cure() {
    for (text, cure) in [
        ("rack =~ 3", "quotes around a value that begins with `~`: `'~ 3'`"),
        ("rack =! 3", "quotes around a value that begins with `!`: `'! 3'`"),
        ("zone not in [a, !b]", "quotes around a value that begins with `!`: `'!b'`"),
    ] {
        assert_eq!(AttributeTest::parse(text).expect_err(text).expected, cure);
    }
    let test = AttributeTest::parse("rack = '~ 3'").unwrap();
    assert!(test.holds(Some("~ 3")) && !test.holds(Some("3")));
}

#[test]
fn attribute_tests_are_printed_as_they_are_read() {
    for (text, printed) in [
        ("ssd", "ssd"),
        ("rack==3", "rack = 3"),
        ("rack = '3'", "rack = 3"),
        ("name = ' a '", "name = ' a '"),
        ("name != ''", "name != ''"),
        ("name = '~a'", "name = '~a'"),
        ("name = \"it's\"", "name = \"it's\""),
        ("zone not in ['x, y', \"z]\", w]", "zone not in ['x, y', 'z]', w]"),
    ] {
        let test = AttributeTest::parse(text).unwrap();
        assert_eq!(test.to_string(), printed);
        assert_eq!(AttributeTest::parse(printed), Ok(test));
    }
}

#[test]
fn resource_tests_count_what_is_not_there_as_nothing() {
    let holds =
        |test: &str, amount: &str| ResourceTest::parse(test).unwrap().holds(Amount::parse(amount).unwrap());
    assert!(holds("cpus > 4", "4.001") && !holds("cpus > 4", "4") && holds("cpus >= 4.0", "4"));
    assert!(holds("gpus", "1") && !holds("gpus", "0") && holds("mem <= 2048", "0"));
    assert!(
        holds("disk = 0", "0")
            && holds("cpus != 1", "0.5")
            && holds("cpus<.5".replace('.', "0.").as_str(), "0")
    );
    for wrong in ["", "> 4", "cpus >", "cpus > many", "cpus > -1", "cpus > 1.0001", "cpus > 2GB", "a b > 1"] {
        let fault = ResourceTest::parse(wrong).expect_err(wrong).to_string();
        assert!(fault.ends_with("expected a test such as `cpus > 4`, `mem <= 2048` or `gpus`"), "{fault}");
    }
}

#[test]
fn amounts_are_exact_in_thousandths() {
    let thousandths = |text: &str| Amount::parse(text).map(Amount::thousandths).ok();
    assert_eq!(thousandths("0.1"), Some(100));
    assert_eq!(thousandths("2.500000"), Some(2_500));
    assert_eq!(thousandths("007"), Some(7_000));
    for wrong in ["", ".", ".5", "5.", "-1", "+1", "1e3", "0.0001", "1 ", "99999999999999", "١"] {
        assert_eq!(thousandths(wrong), None, "{wrong}");
    }
    let step = Amount::parse("64").unwrap();
    let amount = |text| Amount::parse(text).unwrap();
    assert_eq!(amount("100").rounded_up_to(step), amount("128"));
    assert_eq!(amount("128").rounded_up_to(step), amount("128"));
    assert_eq!(amount("100").rounded_up_to(Amount::ZERO), amount("100"));
    assert_eq!(amount("100").rounded_down_to(step), amount("64"));
    assert_eq!(Share::parse("0.001%").unwrap().of(amount("0.5")), Amount::from_thousandths(1));
    assert_eq!(Share::parse("100%").unwrap().of(amount("7")), amount("7"));
    assert_eq!(Share::parse("9").unwrap().of(amount("7")), amount("7"));
    for wrong in ["", "%", "101%", "-5%", "five"] {
        assert!(Share::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn container_types_have_names() {
    for kind in ContainerType::ALL {
        assert_eq!(ContainerType::parse(kind.name()), Ok(kind));
    }
    let fault = ContainerType::parse("Docker").unwrap_err().to_string();
    assert_eq!(fault, "found the unknown container type `Docker`, expected none, mesos or docker");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_pattern_and_no_test_panics_and_tests_are_printed_as_they_are_read(source in "([a-z/*?\\[\\]{}!,~\\\\^$().+|=<>' \"é0-9-]|\\*\\*|in \\[){0,30}", text in "\\PC{0,20}") {
        for parse in [Pattern::parse, Pattern::parse_role] {
            if let Ok(pattern) = parse(&source) {
                let _ = pattern.matches(&text);
                prop_assert_eq!(pattern.source(), &source);
            }
        }
        if let Ok(test) = AttributeTest::parse(&source) {
            let _ = test.holds(Some(&text));
            prop_assert!(test.to_string().starts_with(test.name()));
            prop_assert_eq!(AttributeTest::parse(&test.to_string()).ok(), Some(test));
        }
        if let Ok(test) = ResourceTest::parse(&source) {
            // As it is printed, it is read again.
            prop_assert_eq!(ResourceTest::parse(&test.to_string()).ok(), Some(test));
        }
        let _ = (Amount::parse(&source), Share::parse(&source));
    }

    #[test]
    fn values_in_quotes_are_printed_as_they_are_read(values in proptest::collection::vec("[^']{0,6}|[ ~!,=\\[\\]\"]{0,3}", 1..4)) {
        let quoted: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
        for text in [format!("a != {}", quoted[0]), format!("a in [{}]", quoted.join(", "))] {
            let test = AttributeTest::parse(&text).unwrap();
            prop_assert_eq!(AttributeTest::parse(&test.to_string()).ok(), Some(test));
        }
    }

    #[test]
    fn text_without_signs_matches_itself_only(text in "[a-z0-9.-]{1,12}", other in "[a-z0-9.-]{1,12}") {
        prop_assert!(matches(&text, &text));
        prop_assert_eq!(matches(&text, &other), text == other);
    }

    #[test]
    fn amounts_print_as_they_are_read(thousandths in 0_i64..9_000_000_000_000_000) {
        let amount = Amount::from_thousandths(thousandths);
        prop_assert_eq!(Amount::parse(&amount.to_string()), Ok(amount));
    }

    #[test]
    fn rounding_is_to_the_next_multiple(thousandths in 0_i64..1_000_000_000, step in 1_i64..1_000_000) {
        let (amount, step) = (Amount::from_thousandths(thousandths), Amount::from_thousandths(step));
        let (up, down) = (amount.rounded_up_to(step), amount.rounded_down_to(step));
        prop_assert_eq!(up.thousandths() % step.thousandths(), 0);
        prop_assert!(down <= amount && amount <= up && up.less(down) <= step);
    }
}
