//! `[[hook.rules]]` read as they are meant, written out again, and never a panic.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use apportion_config::{Config, Kind};
use apportion_policy::{
    Amount, Condition, ContainerType, HookPoint, Pattern, Presence, Rule, Rulebook, Share, TextField,
    ValueSource,
};
use proptest::prelude::*;

const SAMPLE: &str = include_str!("../apportion.sample.toml");

fn read(text: &str) -> Vec<Rule> {
    Config::from_text(text).unwrap_or_else(|problems| panic!("{problems}\n{text}")).hook.rules
}

/// The one rule of a text that stands below its header and name.
fn rule(text: &str) -> Rule {
    let mut rules = read(&format!("[[hook.rules]]\nname = \"r\"\n{text}"));
    assert_eq!(rules.len(), 1);
    rules.remove(0)
}

fn condition(text: &str) -> Condition {
    rule(&format!("match = {{ {text} }}\nenvironment.set.A = \"1\"")).condition
}

fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

fn sources(assignments: &[(String, ValueSource)]) -> Vec<(&str, String)> {
    assignments.iter().map(|(name, value)| (&**name, value.to_string())).collect()
}

#[test]
fn rules_come_in_the_order_of_the_file_behind_those_of_the_short_sections() {
    let text = "[[hook.rules]]\nname = \"b\"\nlabels.set.x = \"1\"\n[[hook.rules]]\nname = \"a\"\nlabels.set.x = \"2\"\n\
                [hook.labels]\nrack = \"r\"\nsite = \"s\"\n[hook.environment]\nSITE = \"s\"";
    let config = Config::from_text(text).unwrap();
    let rules = config.hook.rules_in_order();
    let names: Vec<&str> = rules.iter().map(|rule| &*rule.name).collect();
    assert_eq!(names, ["hook.environment.SITE", "hook.labels.rack", "hook.labels.site", "b", "a"]);
    assert_eq!(
        rules[0].points(),
        [HookPoint::SlaveExecutorEnvironment, HookPoint::SlavePreLaunchDockerTaskExecutor]
    );
    assert_eq!(sources(&rules[0].environment.default), [("SITE", "s".to_owned())]);
    assert_eq!(sources(&rules[1].labels.set), [("rack", "r".to_owned())]);
    assert_eq!(Rulebook::new(rules).unwrap().len(), 5);
}

#[test]
fn a_long_name_in_a_short_section_gives_a_rule_with_a_number() {
    let text = format!("[hook.labels]\n{} = \"1\"\n{} = \"2\"", "a".repeat(250), "b".repeat(250));
    let rules = Config::from_text(&text).unwrap().hook.rules_in_order();
    assert_eq!([&*rules[0].name, &*rules[1].name], ["hook.labels[0]", "hook.labels[1]"]);
    assert!(Rulebook::new(rules).is_ok());
}

#[test]
fn a_rule_acts_everywhere_it_can_and_is_enabled_and_safe_unless_it_says_otherwise() {
    let plain = rule("environment.set.A = \"1\"\naudit.file = \"/a\"");
    assert_eq!((plain.at.clone(), plain.enabled, plain.unsafe_env), (None, true, false));
    assert_eq!(plain.points().len(), 2 + 3);
    assert_eq!(plain.condition, Condition::default());
    let said = rule("at = [\"docker\"]\nenabled = false\nunsafe_env = true\nenvironment.set.PATH = \"/bin\"");
    assert_eq!(said.at, Some(vec![HookPoint::SlavePreLaunchDockerTaskExecutor]));
    assert_eq!((said.enabled, said.unsafe_env), (false, true));
}

#[test]
fn one_pattern_and_a_list_of_one_are_the_same() {
    assert_eq!(condition("role = \"prod/**\""), Condition::text(TextField::Role, &["prod/**"]).unwrap());
    assert_eq!(condition("role = [\"prod/**\"]"), condition("role = \"prod/**\""));
    assert_eq!(condition("task = [\"a\", \"b*\"]"), Condition::text(TextField::Task, &["a", "b*"]).unwrap());
    assert_eq!(condition("attributes = \"ssd\""), condition("attributes = [\"ssd\"]"));
}

#[test]
fn every_text_field_is_a_key() {
    for field in TextField::ALL {
        assert_eq!(condition(&format!("{} = \"x\"", field.key())), Condition::text(field, &["x"]).unwrap());
    }
}

#[test]
fn a_name_that_begins_with_a_slash_is_text_and_one_between_slashes_an_expression() {
    for name in ["/team/web", "web/", "$HOME"] {
        assert_eq!(
            condition(&format!("task = {name:?}")),
            Condition::text(TextField::Task, &[name]).unwrap()
        );
    }
    let Condition::Text(_, patterns) = condition("task = \"/web$/\"") else { panic!("no text field") };
    assert!(patterns[0].matches("a web") && patterns[0].literal().is_none());
}

#[test]
fn labels_and_variables_are_there_or_not_or_match() {
    let pattern = |text: &str| Pattern::parse(text).unwrap();
    let label = |name: &str, presence| Condition::Label(name.to_owned(), presence);
    assert_eq!(
        condition("labels = { a = true, b = false, c = \"x*\", d = [\"y\", \"z\"] }"),
        Condition::All(vec![
            label("a", Presence::Present),
            label("b", Presence::Absent),
            label("c", Presence::Matches(vec![pattern("x*")])),
            label("d", Presence::Matches(vec![pattern("y"), pattern("z")])),
        ])
    );
    assert_eq!(
        condition("environment = { A = true }"),
        Condition::Variable("A".to_owned(), Presence::Present)
    );
    assert_eq!(
        condition("container = [\"none\", \"docker\"]"),
        Condition::Container(vec![ContainerType::None, ContainerType::Docker])
    );
}

#[test]
fn conditions_nest_eight_deep() {
    let role = Condition::text(TextField::Role, &["a"]).unwrap();
    let user = Condition::text(TextField::User, &["b"]).unwrap();
    assert_eq!(
        condition("any = [{ role = \"a\" }, { user = \"b\" }], not = { user = \"b\" }"),
        Condition::All(vec![
            Condition::Any(vec![role.clone(), user.clone()]),
            Condition::Not(Box::new(user)),
        ])
    );
    let nested = format!("{}role = \"a\"{}", "not = { ".repeat(8), " }".repeat(8));
    assert_eq!(condition(&nested).depth(), 9);
    assert!(Rulebook::new(vec![rule(&format!("match = {{ {nested} }}\nlabels.set.a = \"1\""))]).is_ok());
}

#[test]
fn amounts_are_numbers_of_every_notation_and_shares_are_percentages_too() {
    let resources = rule(
        "task_resources = { default = { a = 0x10, b = 1e3, c = 0.125, d = 1_000 }, round = { mem = 64 } }",
    )
    .task_resources;
    let amounts: Vec<String> = resources.default.iter().map(|(_, amount)| amount.to_string()).collect();
    assert_eq!(amounts, ["16", "1000", "0.125", "1000"]);
    assert_eq!(resources.round, [("mem".to_owned(), amount("64"))]);
    let agent = rule("agent.reserve = { cpus = 0.5, mem = \"5%\" }").agent;
    assert_eq!(agent.reserve[0].1, Share::Amount(amount("0.5")));
    assert_eq!(agent.reserve[1].1, Share::parse("5%").unwrap());
}

#[test]
fn additions_have_a_separator_of_their_own_or_a_space() {
    let actions = rule(
        "environment.append = { A = \"x\", B = { value = \"y\", separator = \"\" } }\n\
         environment.prepend.C = { value = \"z\" }",
    )
    .environment;
    let separators: Vec<&str> = actions.append.iter().map(|(_, added)| &*added.separator).collect();
    assert_eq!(separators, [" ", ""]);
    assert_eq!(actions.prepend[0].1.separator, " ");
}

#[test]
fn commands_have_half_a_minute_unless_they_say_otherwise() {
    assert_eq!(rule("command.argv = [\"/bin/x\", \"\"]").command.unwrap().timeout_seconds, 30);
    let command = rule("command = { argv = [\"/bin/x\", \"{{ agent.id }}\", \"\"], timeout_seconds = 3600 }");
    let command = command.command.unwrap();
    assert_eq!(command.timeout_seconds, 3600);
    let argv: Vec<String> = command.argv.iter().map(ToString::to_string).collect();
    assert_eq!(argv, ["/bin/x", "{{ agent.id }}", ""]);
}

#[test]
fn a_value_can_name_what_is_known_at_one_of_the_points_of_its_action() {
    // The agent knows the executor, the master does not.
    assert_eq!(rule("labels.set.a = \"{{ executor.id }}\"").points().len(), 2);
    let prepared =
        "at = [\"master_labels\", \"agent_labels\"]\nlabels.set.a = \"{{ executor.id | default('x') }}\"";
    assert_eq!(rule(prepared).points().len(), 2);
    let some_known = rule(
        "match.any = [{ role = \"a\" }, { hostname = \"b\" }]\nat = [\"agent_lost\"]\naudit.file = \"/a\"",
    );
    assert_eq!(some_known.points(), [HookPoint::MasterSlaveLost]);
}

#[test]
fn a_thousand_rules_are_read_and_the_next_one_is_a_problem() {
    let text = |count: usize| -> String {
        (0..count)
            .map(|number| format!("[[hook.rules]]\nname = \"{number}\"\nlabels.set.a = \"1\"\n"))
            .collect()
    };
    assert_eq!(read(&text(1000)).len(), 1000);
    let problems = Config::from_text(&text(1001)).unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert_eq!((problems.len(), &*problem.path, &*problem.found), (1, "hook.rules[1000]", "1001 rules"));
    assert_eq!(problem.place.as_ref().unwrap().line, 3001);
}

#[test]
fn rules_in_parameters_are_refused_with_the_cure() {
    for key in ["hook.rules", "hook.rules.name"] {
        let problems = Config::from_parameters(&[(key.as_bytes().to_vec(), b"x".to_vec())]).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert_eq!((problems.len(), problem.kind, &*problem.path), (1, Kind::WrongType, "hook.rules"));
        assert!(problem.hint.is_some());
    }
}

#[test]
fn allowed_variables_are_the_same_from_a_file_and_from_parameters() {
    let file = Config::from_text("hook.agent_environment = [\"SITE\", \"RACK\"]").unwrap();
    let inline = [(b"hook.agent_environment".to_vec(), b"SITE, RACK".to_vec())];
    assert_eq!(file, Config::from_parameters(&inline).unwrap());
    assert_eq!(file.hook.agent_environment, ["SITE", "RACK"]);
}

#[test]
fn sample_written_out_and_read_again_has_the_same_rules() {
    let config = Config::from_text(SAMPLE).unwrap();
    let again =
        Config::from_text(&config.to_string()).unwrap_or_else(|problems| panic!("{problems}\n{config}"));
    assert_eq!(again, config);
    assert!(Rulebook::new(config.hook.rules_in_order()).is_ok());
}

/// A condition as TOML; wrong only where it is too deep or asks for what is never known.
fn any_condition() -> impl Strategy<Value = toml::Table> {
    let one = |key: &str, value: toml::Value| toml::Table::from_iter([(key.to_owned(), value)]);
    let some =
        |texts: &[&'static str]| prop::sample::subsequence(texts.to_vec(), 1..3).prop_map(toml::Value::from);
    let patterns = || some(&["a", "a*", "/^a/", "prod/**", "[a-c]?", "{a,b}", "x\n'\"y"]);
    let field = prop::sample::select(TextField::ALL.map(TextField::key).to_vec());
    let text = (field, patterns()).prop_map(move |(key, value)| one(key, value));
    let attributes = some(&["ssd", "rack = 3", "zone in [a, b]", "level >= 2.5", "os not in [x]"])
        .prop_map(move |value| one("attributes", value));
    let resources =
        some(&["cpus > 4", "gpus", "mem <= 0.125"]).prop_map(move |value| one("resources", value));
    let container = some(&["none", "mesos", "docker"]).prop_map(move |value| one("container", value));
    let presence = prop_oneof![any::<bool>().prop_map(toml::Value::from), patterns()];
    let presences = (prop::sample::select(vec!["labels", "environment"]), "[a-c]{1,2}", presence)
        .prop_map(move |(key, name, value)| one(key, one(&name, value).into()));
    let plain = prop_oneof![3 => text, 1 => attributes, 1 => resources, 1 => container, 2 => presences];
    plain.prop_recursive(8, 24, 3, move |inner| {
        let list = prop::collection::vec(inner.clone(), 1..3);
        (prop::sample::select(vec!["all", "any", "not"]), list, inner).prop_map(|(key, list, mut table)| {
            let value = match (key, list.first()) {
                ("not", Some(first)) => first.clone().into(),
                _ => list.into_iter().map(toml::Value::from).collect::<Vec<_>>().into(),
            };
            table.insert(key.to_owned(), value);
            table
        })
    })
}

/// The actions of a rule.
fn any_actions() -> impl Strategy<Value = String> {
    let actions = vec![
        "environment.set = { A = \"{{ framework.role }}\", B = \"file:/etc/b\" }",
        "environment.default = { C = \"x\" }",
        "environment.append = { D = \"x\", E = { value = \"'\\\"\", separator = \":\" } }",
        "unsafe_env = true\nenvironment.prepend = { PATH = \"x\" }",
        "environment.unset = [\"F*\", \"G\"]",
        "environment.rename = { G = \"H\" }",
        "labels = { set = { \"a.b\" = \"{{ executor.id }}\" }, remove = [\"x*\"], default = { c = \"\" } }",
        "task_resources.default = { disk = 64 }",
        "task_resources.minimum = { mem = 0.125 }",
        "task_resources.maximum = { cpus = 8.5 }",
        "task_resources.round = { mem = 64 }",
        "agent.attributes = { kernel = \"{{ host.kernel }}\" }",
        "agent.reserve = { cpus = 0.5, mem = \"2.5%\" }",
        "status_labels.set = { a = \"1\" }",
        "audit = { file = \"/a\", fields = { id = \"{{ agent.id }}\" } }",
        "command = { argv = [\"/bin/x\", \"a b\"], timeout_seconds = 5 }",
        "enabled = false",
    ];
    let count = actions.len();
    prop_oneof![
        4 => prop::sample::subsequence(actions, 1..count / 2).prop_map(|lines| lines.join("\n")),
        1 => Just("at = [\"docker\", \"executor_removed\"]\nenvironment.set.Z = \"z\"\naudit.file = \"/a\"".to_owned()),
    ]
}

/// A value of any type for a key.
fn any_value() -> impl Strategy<Value = toml::Value> {
    let text = prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "", "/", "//", "{{", "file:", "5%", "docker", "a=b", "x in [", "LD_*", "none"
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        text.prop_map(toml::Value::from),
        any::<i64>().prop_map(toml::Value::from),
        any::<f64>().prop_map(toml::Value::from),
        any::<bool>().prop_map(toml::Value::from),
    ];
    leaf.prop_recursive(6, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(toml::Value::from),
            prop::collection::btree_map(any_key(), inner, 0..4)
                .prop_map(|entries| toml::Table::from_iter(entries).into()),
        ]
    })
}

/// A key of the schema, or any text.
fn any_key() -> impl Strategy<Value = String> {
    let keys = apportion_config::schema_keys().into_iter().filter(|key| key.starts_with("hook.rules."));
    let keys: Vec<String> = keys.filter_map(|key| key.rsplit('.').next().map(str::to_owned)).collect();
    prop_oneof![9 => prop::sample::select(keys), 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_good_rule_is_accepted_by_the_rulebook_and_survives_being_written(
        condition in any_condition(), actions in any_actions()
    ) {
        let condition = format!("match = {}\n", toml::Value::from(condition));
        let text = format!("[[hook.rules]]\nname = \"it's\"\n{condition}{actions}\n");
        let config = Config::examine_text(&text, "text").config;
        // Most are good; the test fails if too many are not.
        prop_assume!(config.hook.rules.len() == 1);
        let written = config.to_string();
        let again = Config::from_text(&written).unwrap_or_else(|problems| panic!("{problems}\n{written}"));
        prop_assert_eq!(&again, &config);
        prop_assert!(Rulebook::new(config.hook.rules_in_order()).is_ok());
    }

    #[test]
    fn rules_with_values_of_any_type_give_a_configuration_or_a_problem(
        rules in prop::collection::vec(prop::collection::btree_map(any_key(), any_value(), 0..6), 0..4)
    ) {
        let rules: Vec<toml::Value> = rules.into_iter().map(|rule| toml::Table::from_iter(rule).into()).collect();
        let hook = toml::Table::from_iter([("rules".to_owned(), toml::Value::from(rules))]);
        check(&toml::Table::from_iter([("hook".to_owned(), hook.into())]).to_string());
    }

    #[test]
    fn arbitrary_text_below_the_header_of_a_rule_gives_a_configuration_or_a_problem(
        lines in prop::collection::vec(
            "(\\[\\[?hook\\.rules(\\.match|\\.environment|\\.labels)?\\]\\]? ?|(name|at|match|role|not|all|set|unset|environment|agent|\\.|\"){1,4}( ?= ?)?)(1|-1|\\[|\\]|\\{|\\}|\"|'''|true|/|=|,|\\{\\{|\\}\\}|é){0,6}",
            0..12,
        )
    ) {
        check(&lines.join("\n"));
    }

    #[test]
    fn damaged_rules_of_the_sample_give_a_configuration_or_a_problem(
        at in SAMPLE.find("[[hook.rules]]").unwrap()..SAMPLE.len(), length in 0_usize..60, put in ".{0,12}"
    ) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, put.into_bytes());
        check(&String::from_utf8_lossy(&bytes));
    }
}

/// Reads a text; what is good in it must be good for the rules' engine, and what is not must have a place.
fn check(text: &str) {
    let examination = Config::examine_text(text, "text");
    if let Some(problems) = &examination.problems {
        assert!(problems.iter().all(|problem| problem.place.is_some()), "{problems}");
        assert!(problems.to_string().chars().all(|c| c == '\n' || !c.is_control()), "{problems}");
    }
    if let Err(refused) = Rulebook::new(examination.config.hook.rules_in_order()) {
        panic!("the reader accepts what the rules refuse: {refused:?}\n{text}");
    }
}
