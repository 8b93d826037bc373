//! What must hold of an answer.

use std::collections::{BTreeMap, BTreeSet};

use apportion_hook::Room;
use apportion_hook::question::Question;
use apportion_policy::{
    Amounts, Change, ENTRIES_BYTES_MAX, ENTRIES_MAX, Entries, Explanation, HookPoint, RuleFault, Rulebook,
    Subject, VALUE_BYTES_MAX, Verdict, is_unsafe_variable, text,
};
use apportion_wire::Value;
use apportion_wire::messages::{
    Attribute, DockerTaskExecutorPrepareInfo, Environment, LabelList, RawEnvironment, Variable, decode,
    encode,
};
use apportion_wire::resource::{SplitResource, split};

use super::Answer;
use super::draw::Messages;
use super::rules::SIGN_OF_SECRET;
use crate::wire::{fields, of};

/// Values by name, in their order; without a value is as good as an empty one.
type Table = BTreeMap<String, Vec<String>>;

/// Compares an answer with what the rules say of the question, and gives that.
pub(super) fn check(
    question: &Question,
    rules: &Rulebook,
    messages: &Messages,
    answer: &Answer,
) -> Vec<Explanation> {
    let Question { point, call, subject } = question;
    let explained = rules.explain(*point, call, subject);
    for explanation in &explained {
        keeps_the_secret("an explanation", &format!("{explanation} {explanation:?}"));
    }
    match subject {
        Subject::Entries(before) => {
            let decided = rules.decorate(*point, call, before.clone());
            check_faults(&explained, &decided.faults);
            let after = check_entries(before, &explained, &decided.entries, &decided.changes);
            check_entry_answer(*point, messages, &decided.changes, &after, answer);
        }
        Subject::Amounts { amounts, ceiling } => {
            let decided = rules.resources(*point, call, amounts.clone(), ceiling.as_ref());
            check_faults(&explained, &decided.faults);
            let changes: Vec<_> = explained.iter().flat_map(|one| one.amounts.clone()).collect();
            assert_eq!(decided.changes, changes);
            let (there, left) = match point {
                HookPoint::SlaveResources => (&messages.agent.resources, &[][..]),
                _ => (&messages.task.resources, &messages.left[..]),
            };
            check_amounts(there, &Room::for_task(there, left), left, &decided.amounts, answer);
        }
        Subject::Event => {
            let decided = rules.react(*point, call);
            check_faults(&explained, &decided.faults);
            assert_eq!(
                decided.audits,
                explained.iter().flat_map(|one| one.audits.clone()).collect::<Vec<_>>()
            );
            assert_eq!(
                decided.commands,
                explained.iter().flat_map(|one| one.commands.clone()).collect::<Vec<_>>()
            );
            assert!(
                decided.commands.iter().flat_map(|one| &one.argv).all(|argument| !argument.contains('\0'))
            );
        }
    }
    explained
}

/// Nothing of what stands in the file may be shown.
pub(super) fn keeps_the_secret(what: &str, shown: &str) {
    assert!(!shown.to_lowercase().contains(SIGN_OF_SECRET), "{what} shows the secret: {shown}");
}

fn check_faults(explained: &[Explanation], faults: &[RuleFault]) {
    let expected = explained.iter().filter_map(|one| match &one.verdict {
        Verdict::Fault(reason) => Some((&one.rule, reason)),
        _ => None,
    });
    assert!(expected.eq(faults.iter().map(|fault| (&fault.rule, &fault.reason))), "{faults:?}");
    for fault in faults {
        keeps_the_secret("a fault", &fault.to_string());
    }
}

fn table<'a>(pairs: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Table {
    let mut table = Table::new();
    for (name, value) in pairs {
        table.entry(name.to_owned()).or_default().push(value.unwrap_or_default().to_owned());
    }
    table
}

fn table_of(entries: &Entries) -> Table {
    table(entries.iter().map(|entry| (&*entry.name, entry.value.as_deref())))
}

fn apply(changes: &[Change], table: &mut Table) {
    for change in changes {
        match &change.after {
            Some(after) => {
                let value = after.value.as_deref().unwrap_or_default().to_owned();
                table.insert(change.name.to_string(), vec![value]);
            }
            None => drop(table.remove(&*change.name)),
        }
    }
}

/// What rules decided is what they explained, and within the limits. Gives what must be there afterwards.
fn check_entries(before: &Entries, explained: &[Explanation], after: &Entries, changes: &[Change]) -> Table {
    let mut replayed = table_of(before);
    for explanation in explained {
        apply(&explanation.changes, &mut replayed);
    }
    let decided = table_of(after);
    assert_eq!(replayed, decided, "what is explained is what is decided");
    let mut changed = table_of(before);
    apply(changes, &mut changed);
    assert_eq!(changed, decided, "nothing changes but what is told");
    assert!(after.len() <= ENTRIES_MAX.max(before.len()), "{} of them", after.len());
    assert!(after.bytes() <= ENTRIES_BYTES_MAX.max(before.bytes()), "{} bytes", after.bytes());
    for value in changes.iter().filter_map(|change| change.after.as_ref()?.value.as_deref()) {
        let is_moved = || before.iter().any(|entry| entry.value.as_deref() == Some(value));
        assert!(value.len() <= VALUE_BYTES_MAX || is_moved(), "a value of {} bytes", value.len());
    }
    decided
}

fn check_entry_answer(
    point: HookPoint,
    messages: &Messages,
    changes: &[Change],
    after: &Table,
    answer: &Answer,
) {
    let touched: BTreeSet<&str> = changes.iter().map(|change| &*change.name).collect();
    match answer {
        // An attribute of which nothing is left is left out.
        Answer::Nothing => assert!(changes.is_empty() || point == HookPoint::SlaveAttributes, "{changes:?}"),
        Answer::Labels(list) => {
            let raw = match point {
                HookPoint::SlaveTaskStatus => messages.status.labels.as_ref(),
                _ => messages.task.labels.as_ref(),
            };
            let bytes = list.encode();
            assert_eq!(LabelList::decode(&bytes).as_ref(), Ok(list), "an answer can be read");
            let there = raw.map(|raw| raw.labels.as_slice()).unwrap_or_default();
            let answered: Vec<Vec<u8>> =
                of(&fields(&bytes), 1).iter().map(|field| field.bytes().to_vec()).collect();
            check_untouched(there, &answered, &touched);
            assert_eq!(&table_of_wire(&answered), after);
        }
        Answer::Environment(environment) => {
            let read: RawEnvironment = decode(&encode(environment)).expect("an answer can be read");
            assert_eq!(&read, environment);
            let own = messages.executor.command.as_ref().and_then(|command| command.environment.as_ref());
            let there = own.map(|own| own.variables.as_slice()).unwrap_or_default();
            check_untouched(there, &environment.variables, &touched);
            assert_eq!(&table_of_wire(&environment.variables), after);
            check_variables(&environment.read().expect("variables"), &touched);
        }
        Answer::Docker(info) => check_docker(messages, changes, info),
        Answer::Attributes(attributes) => check_attributes(messages, attributes, &touched),
        Answer::Resources(_) => panic!("resources where entries are decorated"),
    }
}

/// The name in a label or a variable as it stands on the wire; without one it is as good as empty.
fn name_of(bytes: &[u8]) -> String {
    of(&fields(bytes), 1).last().map(|field| text(field.bytes())).unwrap_or_default()
}

fn table_of_wire(entries: &[Vec<u8>]) -> Table {
    let mut table = Table::new();
    for bytes in entries {
        let value = of(&fields(bytes), 2).last().map(|field| text(field.bytes())).unwrap_or_default();
        table.entry(name_of(bytes)).or_default().push(value);
    }
    table
}

/// What no rule touched is there byte by byte, in its order.
fn check_untouched(before: &[Vec<u8>], after: &[Vec<u8>], touched: &BTreeSet<&str>) {
    let untouched = |list: &[Vec<u8>]| {
        list.iter().filter(|bytes| !touched.contains(&*name_of(bytes))).cloned().collect::<Vec<_>>()
    };
    assert_eq!(untouched(after), untouched(before));
}

/// What rules made fits into a process.
fn check_variables(variables: &[Variable], touched: &BTreeSet<&str>) {
    for variable in variables.iter().filter(|variable| touched.contains(&*text(&variable.name))) {
        assert!(!variable.name.contains(&0) || variable.value.is_some());
        assert_eq!(variable.r#type, Some(Variable::VALUE));
    }
}

fn check_docker(messages: &Messages, changes: &[Change], info: &DockerTaskExecutorPrepareInfo) {
    let read: DockerTaskExecutorPrepareInfo = decode(&encode(info)).expect("an answer can be read");
    assert_eq!(&read, info);
    let expected: Vec<(String, String)> = changes
        .iter()
        .map(|change| {
            let value = change.after.as_ref().and_then(|after| after.value.as_deref()).unwrap_or_default();
            (change.name.to_string(), value.to_owned())
        })
        .collect();
    let pairs = |environment: Option<&Environment>| -> Vec<(String, String)> {
        let variables = environment.map(|environment| environment.variables.as_slice()).unwrap_or_default();
        let pair = |one: &Variable| (text(&one.name), text(one.value.as_deref().expect("a value")));
        variables.iter().map(pair).collect()
    };
    let for_executor = pairs(info.executor_environment.as_ref());
    if messages.docker_task().is_none() {
        assert!(info.task_environment.is_none());
        assert_eq!(for_executor, expected);
        return;
    }
    assert_eq!(pairs(info.task_environment.as_ref()), expected);
    let of_executor: BTreeSet<String> = messages
        .executor
        .command
        .iter()
        .flat_map(|command| &command.environment)
        .flat_map(|environment| environment.variables.iter().map(|bytes| name_of(bytes)))
        .chain(
            messages
                .variables
                .iter()
                .map(|pair| text(pair.split(|byte| *byte == b'=').next().unwrap_or(pair))),
        )
        .collect();
    let fits = |(name, _): &&(String, String)| !of_executor.contains(name) && !is_unsafe_variable(name);
    assert_eq!(for_executor, expected.iter().filter(fits).cloned().collect::<Vec<_>>());
}

fn check_attributes(messages: &Messages, answer: &[Vec<u8>], touched: &BTreeSet<&str>) {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"_/.-".contains(&byte);
    let mut made = BTreeMap::new();
    for bytes in answer {
        let attribute: Attribute = decode(bytes).expect("an answer can be read");
        *made.entry(text(&attribute.name)).or_insert(0) += 1;
    }
    let before: BTreeSet<Vec<u8>> = messages.agent.attributes.iter().map(encode).collect();
    for bytes in answer.iter().filter(|bytes| !before.contains(*bytes)) {
        let attribute: Attribute = decode(bytes).expect("an answer can be read");
        let name = text(&attribute.name);
        assert!(touched.contains(&*name) && made.get(&name) == Some(&1), "{attribute:?}");
        match attribute.r#type {
            Attribute::SCALAR => assert!(attribute.scalar.is_some_and(|scalar| scalar.value.is_finite())),
            Attribute::TEXT => {
                let value = attribute.text.expect("a text").value;
                assert!(!value.is_empty() && value.len() <= 128 && value.iter().all(|byte| is_sign(*byte)));
            }
            other => panic!("an attribute of the type {other}"),
        }
    }
    let answer: BTreeSet<&Vec<u8>> = answer.iter().collect();
    let untouched = |one: &&Attribute| !touched.contains(&*text(&one.name));
    assert!(messages.agent.attributes.iter().filter(untouched).all(|one| answer.contains(&encode(one))));
}

/// Thousandths of scalars by kind: identity and role.
type Kinds = BTreeMap<(Vec<u8>, Option<Vec<u8>>), i64>;

/// By name and by kind nothing grows beyond what is there and what is left; what has no amount stays as it is.
fn check_amounts(
    before: &[Vec<u8>],
    room: &Room,
    left: &[apportion_wire::resource::ResourceParts],
    decided: &Amounts,
    answer: &Answer,
) {
    let after = match answer {
        Answer::Resources(after) => after,
        _ => before,
    };
    let read = |list: &[Vec<u8>]| -> (Kinds, BTreeMap<String, i64>, Vec<Vec<u8>>) {
        let (mut kinds, mut names, mut whole) = (Kinds::new(), BTreeMap::new(), Vec::new());
        for bytes in list {
            let SplitResource { identity, value, allocation_role, facts } = split(bytes).expect("a resource");
            match value {
                Value::Scalar(amount) => {
                    let sum = names.entry(text(facts.name)).or_insert(0_i64);
                    *sum = sum.saturating_add(amount.thousandths());
                    if facts.is_divisible() && !facts.shared {
                        let sum =
                            kinds.entry((identity, allocation_role.map(<[u8]>::to_vec))).or_insert(0_i64);
                        *sum = sum.saturating_add(amount.thousandths());
                    } else {
                        whole.push(bytes.clone());
                    }
                }
                Value::Ranges(_) | Value::Set(_) => whole.push(bytes.clone()),
            }
        }
        (kinds, names, whole)
    };
    let (kinds_before, names_before, whole_before) = read(before);
    let (kinds_after, names_after, whole_after) = read(after);
    assert_eq!(whole_after, whole_before, "what comes and goes whole is not touched");
    let mut most = kinds_before;
    for parts in left {
        if let Value::Scalar(amount) = parts.value {
            let sum = most.entry((parts.identity.clone(), parts.allocation_role.clone())).or_insert(0);
            *sum = sum.saturating_add(amount.thousandths());
        }
    }
    for (kind, sum) in &kinds_after {
        let most = most.get(kind).copied().expect("a kind that was there or is left");
        assert!(*sum <= most.saturating_add(inexact(most)), "{sum} of at most {most}: {kind:?}");
    }
    let room = room.amounts();
    for (name, sum) in &names_after {
        let more = room.get(name).map_or(0, |amount| amount.thousandths());
        let most = names_before.get(name).copied().unwrap_or(0).saturating_add(more);
        assert!(*sum <= most.saturating_add(inexact(most)), "{name}: {sum} of at most {most}");
    }
    for (name, decided) in decided {
        let (before, after) =
            (names_before.get(name).copied().unwrap_or(0), names_after.get(name).copied().unwrap_or(0));
        let decided = decided.thousandths();
        if decided >= before {
            let difference = after.saturating_sub(decided).abs();
            assert!(difference <= inexact(decided), "{name}: {after} instead of {decided}");
        } else {
            // What comes whole cannot shrink.
            assert!(after <= before && after.saturating_add(inexact(before)) >= decided, "{name}: {after}");
        }
    }
}

/// By how much thousandths may be off because amounts are doubles on the wire: up to 2^50 not at all.
fn inexact(thousandths: i64) -> i64 {
    thousandths >> 46
}
