//! Rules for the target `hook`: a few rulebooks that use all there is, rules put together from an input, and what a
//! configuration in the input says.

use std::sync::{Arc, LazyLock};

use apportion_config::Config;
use apportion_policy::{
    Amount, AttributeTest, AuditAction, CommandAction, Condition, ContainerType, FileContents, HookPoint,
    HostFacts, Joined, LabelActions, Pattern, Presence, ResourceTest, Rule, Share, TextField, ValueSource,
};

use crate::entropy::Entropy;

/// What stands in a file that rules name. Beginnings of it are looked for in everything that is shown.
pub(super) const SECRET: &str = "Pl4nted-Secr3t, nobody shall see it";

/// A beginning of the secret that no other text of the target has, in lower case: filters may change the case.
pub(super) const SIGN_OF_SECRET: &str = "pl4nted-secr";

/// Whether bytes have the beginning of the secret in them.
pub(super) fn has_sign_of_secret(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).to_lowercase().contains(SIGN_OF_SECRET)
}

/// Rulebooks that use every key of a match, every action, every filter and every source of values.
const BOOKS: [&str; 4] = [
    include_str!("rules/labels.toml"),
    include_str!("rules/environment.toml"),
    include_str!("rules/amounts.toml"),
    include_str!("rules/events.toml"),
];

static READ_BOOKS: LazyLock<Vec<Vec<Rule>>> = LazyLock::new(|| {
    let read = |text: &str| match Config::from_text(text) {
        Ok(config) => config.hook.rules_in_order(),
        Err(problems) => panic!("{problems}"),
    };
    BOOKS.iter().map(|text| read(text)).collect()
});

/// What rules may know of the host.
pub(super) fn host() -> Arc<HostFacts> {
    static HOST: LazyLock<Arc<HostFacts>> = LazyLock::new(|| {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let files = [
            ("/secret", FileContents::text(SECRET)),
            ("/rack", FileContents::text("r1 [a;b]\n")),
            ("/long", FileContents::text(&"long ".repeat(14_000))),
            ("/gone", FileContents::Unreadable("there is no such file".to_owned())),
        ];
        Arc::new(HostFacts {
            facts: [("kernel", "6.1.0"), ("gpus", "2"), ("cpu_model", "A, B; (C)")].map(pair).into(),
            environment: [("SITE", "berlin")].map(pair).into(),
            files: files.map(|(path, contents)| (path.to_owned(), contents)).into(),
            published: ["/rack".to_owned()].into(),
        })
    });
    Arc::clone(&HOST)
}

/// Where rules come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The fixed book of this number.
    Book(usize),
    Drawn(Vec<Rule>),
}

impl Source {
    pub(super) fn rules(&self) -> &[Rule] {
        match self {
            Source::Book(number) => &READ_BOOKS[*number],
            Source::Drawn(rules) => rules,
        }
    }
}

/// Rules as the input says: of a fixed book, put together, or of a configuration in it.
pub(super) fn draw(entropy: &mut Entropy<'_>) -> Source {
    let drawn = match entropy.byte() {
        0xff => {
            let length = 16 * usize::from(entropy.byte());
            let text = String::from_utf8_lossy(entropy.take(length)).into_owned();
            Config::examine_text(&text, "a file").config.hook.rules_in_order()
        }
        0xa0..0xff => (0..=entropy.below(4)).map(|number| rule(entropy, number)).collect(),
        number => return Source::Book(usize::from(number) % BOOKS.len()),
    };
    Source::Drawn(drawn)
}

/// The rules of a fixed book, for seeds.
#[must_use]
pub(crate) fn book(number: usize) -> &'static str {
    BOOKS[number % BOOKS.len()]
}

const NAMES: [&str; 16] = [
    "token",
    "tier",
    "a",
    "b",
    "c",
    "A",
    "B",
    "PATH",
    "LD_PRELOAD",
    "rack",
    "a.b",
    "kéy",
    "cpus",
    "mem",
    "disk",
    "gpus",
];

const PATTERNS: [&str; 14] = [
    "*",
    "a*",
    "?",
    "[a-c]",
    "{a,b,tier}",
    "/^a/",
    "/./",
    "/(a|b)*c/",
    "tier",
    "token",
    "prod/**",
    "k*",
    "/\u{fffd}/",
    "tmp.*",
];

const SOURCES: [&str; 30] = [
    "",
    "x",
    "file:/secret",
    "file:/rack",
    "file:/long",
    "file:/gone",
    "file:/never-read",
    "{{ task.labels.token }}",
    "{{ task.labels.token | default('-') | upper }}",
    "{{ task.labels['a.b'] | default('') | lower | trim }}",
    "{{ task.labels[task.name] | default('none') }}",
    "{{ task.labels.a | replace('', 'xyz') }}",
    "{{ task.labels.a ~ task.labels.a ~ task.labels.a }}",
    "{{ env.token | default('-') | truncate(20) }}",
    "{{ env.A | replace('a', 'bb') }}",
    "{{ env[task.id] | default(env.PATH) }}",
    "{{ task.environment.token | default(executor.environment.token) }}",
    "{{ executor.environment[executor.id] | default('') }}",
    "{{ agent.environment.SITE }}-{{ host.kernel }}",
    "{{ host[task.name] | default(host.cpu_model) }}",
    "{{ framework.role }}/{{ framework.name | lower }}",
    "{{ framework.labels.a | default(framework.principal) }}",
    "{{ agent.attributes.rack | default('none') | truncate(8) }}",
    "{{ agent.resources.cpus }}",
    "{{ task.resources.mem if task.resources.mem is defined else 'no' }}",
    "{{ container.type }} {{ container.image | default('-') }}",
    "{{ container.directory | default(container.id) }}",
    "{{ executor.command | default(executor.source) | default(executor.name) }}",
    "{{ 'yes' if 'a' in task.name and not task.id == 'x' else 'no' }}",
    "{{ 1 if task.name < 'm' or task.name is none else 2.5 }}",
];

/// Values compiled once: an input says which, not what they are. All facts are allowed; where one is not known, it is a
/// fault.
static VALUES: LazyLock<Vec<ValueSource>> = LazyLock::new(|| {
    let facts = HookPoint::facts_at(&HookPoint::HOOKS);
    SOURCES.iter().map(|source| ValueSource::parse(source, &facts).expect("a good value")).collect()
});

static PATTERNS_READ: LazyLock<Vec<Pattern>> =
    LazyLock::new(|| PATTERNS.iter().map(|source| Pattern::parse(source).expect("a good pattern")).collect());

fn name(entropy: &mut Entropy<'_>) -> String {
    entropy.pick(&NAMES).to_owned()
}

fn value(entropy: &mut Entropy<'_>) -> ValueSource {
    VALUES[entropy.below(VALUES.len())].clone()
}

fn patterns(entropy: &mut Entropy<'_>) -> Vec<Pattern> {
    several(entropy, |entropy| PATTERNS_READ[entropy.below(PATTERNS.len())].clone())
}

/// None for the most part, else up to three.
fn several<T>(entropy: &mut Entropy<'_>, mut draw: impl FnMut(&mut Entropy<'_>) -> T) -> Vec<T> {
    let count = entropy.byte().saturating_sub(0xa0) / 0x20;
    (0..count).map(|_| draw(entropy)).collect()
}

fn assignments(entropy: &mut Entropy<'_>) -> Vec<(String, ValueSource)> {
    several(entropy, |entropy| (name(entropy), value(entropy)))
}

fn amounts(entropy: &mut Entropy<'_>) -> Vec<(String, Amount)> {
    several(entropy, |entropy| (name(entropy), amount(entropy)))
}

fn amount(entropy: &mut Entropy<'_>) -> Amount {
    let thousandths = [1, 500, 1_000, 1_500, 64_000, 1_000_000, 9_000_000_000_000_000, 0];
    Amount::from_thousandths(entropy.pick(&thousandths))
}

fn joined(entropy: &mut Entropy<'_>) -> Vec<(String, Joined)> {
    let separators = [" ", ":", "", "\0", "é"];
    several(entropy, |entropy| {
        (name(entropy), Joined { value: value(entropy), separator: entropy.pick(&separators).to_owned() })
    })
}

fn labels(entropy: &mut Entropy<'_>) -> LabelActions {
    LabelActions { remove: patterns(entropy), set: assignments(entropy), default: assignments(entropy) }
}

/// A rule put together. It may be a wrong one: then all are refused.
fn rule(entropy: &mut Entropy<'_>, number: usize) -> Rule {
    let mut rule = Rule::named(&format!("rule {number}"));
    rule.unsafe_env = entropy.mostly();
    rule.enabled = entropy.mostly();
    if entropy.flag() {
        rule.condition = condition(entropy, 0);
    }
    rule.labels = labels(entropy);
    rule.status_labels = labels(entropy);
    rule.environment.unset = patterns(entropy);
    rule.environment.rename = several(entropy, |entropy| (name(entropy), name(entropy)));
    rule.environment.set = assignments(entropy);
    rule.environment.default = assignments(entropy);
    rule.environment.prepend = joined(entropy);
    rule.environment.append = joined(entropy);
    rule.task_resources.default = amounts(entropy);
    rule.task_resources.minimum = amounts(entropy);
    rule.task_resources.round = amounts(entropy);
    rule.task_resources.maximum = amounts(entropy);
    rule.agent.attributes = assignments(entropy);
    rule.agent.reserve = several(entropy, |entropy| {
        let percent = Share::parse("33.333%").expect("a percentage");
        let share = if entropy.flag() { Share::Amount(amount(entropy)) } else { percent };
        (name(entropy), share)
    });
    let shown = |value: &ValueSource| value.file().is_none();
    if entropy.flag() {
        let mut fields = assignments(entropy);
        fields.retain(|(_, value)| shown(value));
        rule.audit = Some(AuditAction { file: "/audit".to_owned(), fields });
    }
    if entropy.flag() {
        let program = ValueSource::parse("/bin/true", &[]).expect("a program");
        let arguments = several(entropy, value).into_iter().filter(shown);
        let argv = std::iter::once(program).chain(arguments).collect();
        rule.command = Some(CommandAction { argv, timeout_seconds: 1 });
    }
    rule
}

/// How deep conditions are put together.
const DEPTH_MAX: usize = 4;

fn condition(entropy: &mut Entropy<'_>, depth: usize) -> Condition {
    let attributes = ["rack", "rack = r1", "level > 2", "zone not in [a, b]", "rack != 3"];
    let resources = ["cpus > 0.5", "mem <= 64", "ports", "gpus = 0", "disk != 1"];
    let parts = |entropy: &mut Entropy<'_>| {
        (0..entropy.below(3)).map(|_| condition(entropy, depth + 1)).collect::<Vec<_>>()
    };
    match entropy.below(9) {
        0 if depth < DEPTH_MAX => Condition::All(parts(entropy)),
        1 if depth < DEPTH_MAX => Condition::Any(parts(entropy)),
        2 if depth < DEPTH_MAX => Condition::Not(Box::new(condition(entropy, depth + 1))),
        3 => Condition::Container(vec![entropy.pick(&ContainerType::ALL)]),
        4 => Condition::Label(name(entropy), presence(entropy)),
        5 => Condition::Variable(name(entropy), presence(entropy)),
        6 => {
            let test = AttributeTest::parse(entropy.pick(&attributes));
            Condition::Attribute(test.expect("a good test"))
        }
        7 => Condition::Resource(ResourceTest::parse(entropy.pick(&resources)).expect("a good test")),
        _ => Condition::Text(entropy.pick(&TextField::ALL), patterns(entropy)),
    }
}

fn presence(entropy: &mut Entropy<'_>) -> Presence {
    match entropy.below(3) {
        0 => Presence::Present,
        1 => Presence::Absent,
        _ => Presence::Matches(patterns(entropy)),
    }
}
