//! What one call of the host costs with many rules, beside a process for each event.
//!
//! ```text
//! cargo bench -p apportion-hook --bench decorate
//! cargo bench -p apportion-hook --bench decorate -- labels     only those whose name contains the word
//! ```
//!
//! All ways are measured in turns in one run, and the medians are compared: on a machine with others on it the ratio
//! holds, the figures wander. The task is a realistic one: seven resources with ports, eight labels, twelve variables, an
//! agent with nine attributes.
#![allow(clippy::unwrap_used, reason = "a failure to prepare a benchmark ends it")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use apportion_config::Config;
use apportion_hook::{Hooks, Remembered, question};
use apportion_policy::{Rulebook, Subject};
use apportion_wire::messages::{
    AgentId, AgentInfo, Attribute, CommandInfo, Environment, ExecutorId, ExecutorInfo, FrameworkId,
    FrameworkInfo, LabelList, RawEnvironment, TaskId, TaskInfo, TextValue, Variable, decode, encode,
};
use apportion_wire::text::read;

/// Turns: each way is measured once in each.
const TURNS: usize = 200;

/// Rules for many teams, as a large site has them: most concern one role or one task; ten concern this one.
fn rules(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let condition = match (number % 100, number % 4) {
            (0, _) => "match.role = \"prod/**\"\nmatch.labels.tier = \"front\"".to_owned(),
            (_, 0) => format!("match.role = \"team-{number}/**\""),
            (_, 1) => format!("match.role = [\"team-{number}\", \"team-{number}/dev\"]"),
            (_, 2) => format!("match.task = \"job-{number}\""),
            _ => format!("match.role = \"team-{number}\"\nmatch.attributes = [\"rack = r{number}\"]"),
        };
        write!(
            text,
            "[[hook.rules]]\nname = \"rule {number}\"\n{condition}\nlabels.set.\"site.label-{number}\" = \"{{{{ framework.role }}}}\"\n\
             environment.set.SITE_{number} = \"{{{{ task.name }}}} on {{{{ agent.hostname | default('?') }}}}\"\n"
        )
        .unwrap();
    }
    text
}

struct Messages {
    task: Vec<u8>,
    executor: Vec<u8>,
    framework: Vec<u8>,
    agent: Vec<u8>,
}

fn messages() -> Messages {
    let resources = |text: &str| -> Vec<Vec<u8>> {
        let allocated = |parts: apportion_wire::resource::ResourceParts| {
            apportion_wire::resource::ResourceParts { allocation_role: Some(b"prod/web".to_vec()), ..parts }
        };
        read(text, "*").unwrap().into_iter().map(|parts| allocated(parts).to_bytes()).collect()
    };
    let mut labels = LabelList::default();
    labels.push(b"tier", Some(b"front"));
    for number in 0..7 {
        labels.push(format!("com.example/key-{number}").as_bytes(), Some(b"a value of some length"));
    }
    let variables = (0..12).map(|number| {
        encode(&Variable::plain(format!("VARIABLE_{number}").as_bytes(), b"-Xmx1g -Dsome.property=1"))
    });
    let command = CommandInfo {
        value: Some(b"exec /usr/bin/java -jar app.jar".to_vec()),
        environment: Some(RawEnvironment { variables: variables.collect() }),
        ..CommandInfo::default()
    };
    let task = TaskInfo {
        name: b"web-frontend".to_vec(),
        task_id: TaskId { value: b"web-frontend.2f1d3c4b-instance.7".to_vec() },
        agent_id: AgentId { value: b"5b8a-S17".to_vec() },
        resources: resources("cpus:2;mem:2048;disk:500;gpus:1;network_bandwidth:100;ports:[31000-31003]"),
        command: Some(command.clone()),
        labels: Some(decode(&labels.encode()).unwrap()),
        ..TaskInfo::default()
    };
    let executor = ExecutorInfo {
        executor_id: ExecutorId { value: task.task_id.value.clone() },
        framework_id: Some(FrameworkId { value: b"5b8a-0000".to_vec() }),
        resources: task.resources.clone(),
        command: Some(command),
        ..ExecutorInfo::default()
    };
    let framework = FrameworkInfo {
        name: b"marathon".to_vec(),
        user: b"web".to_vec(),
        id: Some(FrameworkId { value: b"5b8a-0000".to_vec() }),
        roles: vec![b"prod/web".to_vec()],
        ..FrameworkInfo::default()
    };
    let attribute = |number: u32| Attribute {
        name: format!("attribute_{number}").into_bytes(),
        r#type: Attribute::TEXT,
        text: Some(TextValue { value: b"some-value".to_vec() }),
        ..Attribute::default()
    };
    let agent = AgentInfo {
        hostname: b"host-17.r3.example".to_vec(),
        resources: resources("cpus:32;mem:131072;disk:2000000;gpus:4;ports:[31000-32000]"),
        attributes: (0..9).map(attribute).collect(),
        id: Some(AgentId { value: b"5b8a-S17".to_vec() }),
        ..AgentInfo::default()
    };
    Messages {
        task: encode(&task),
        executor: encode(&executor),
        framework: encode(&framework),
        agent: encode(&agent),
    }
}

/// A way to decorate, with how often it is done in one turn.
struct Way<'a> {
    name: &'static str,
    times: u32,
    run: Box<dyn FnMut() + 'a>,
    took: Vec<Duration>,
}

fn way<'a>(name: &'static str, times: u32, run: impl FnMut() + 'a) -> Way<'a> {
    Way { name, times, run: Box::new(run), took: Vec::new() }
}

fn main() {
    let messages = messages();
    let many = Config::from_text(&rules(1000)).unwrap().hook;
    let hooks = Hooks::start(&many, None, Arc::new(Remembered::default())).unwrap();
    let rulebook = Rulebook::new(many.rules_in_order()).unwrap();
    let (task, framework): (TaskInfo, FrameworkInfo) =
        (decode(&messages.task).unwrap(), decode(&messages.framework).unwrap());
    let agent: AgentInfo = decode(&messages.agent).unwrap();
    let asked = question::master_labels(&task, &framework, &agent, &Arc::default()).unwrap();
    let Subject::Entries(entries) = &asked.subject else { unreachable!("labels are decorated") };
    let decorated = rulebook.decorate(asked.point, &asked.call, entries.clone());
    assert_eq!(decorated.changes.len(), 10, "ten rules of a thousand match");

    let labels = || {
        let task: TaskInfo = decode(&messages.task).unwrap();
        let (framework, agent) = (decode(&messages.framework).unwrap(), decode(&messages.agent).unwrap());
        black_box(hooks.master_labels(&task, &framework, &agent).unwrap().unwrap().encode());
    };
    let executor: ExecutorInfo = decode(&messages.executor).unwrap();
    hooks.agent_labels(&task, &executor, &framework, &agent).unwrap();
    let environment = || {
        let executor: ExecutorInfo = decode(&messages.executor).unwrap();
        black_box(encode(&hooks.executor_environment(&executor).unwrap().unwrap()));
    };
    // What an external command gets and gives back: the task in, an environment out.
    let answer = encode(&Environment::of([(&b"SITE"[..], &b"berlin"[..])]));
    let fork = |program: &'static str| {
        let (input, answer) = (messages.task.clone(), answer.clone());
        move || {
            let mut child =
                Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            // A program that does not read its input is no concern here.
            let _ = child.stdin.take().unwrap().write_all(&input);
            black_box((child.wait_with_output().unwrap(), &answer));
        }
    };
    let mut ways = vec![
        way("rules alone: labels of a task", 20, || {
            black_box(rulebook.decorate(asked.point, &asked.call, entries.clone()));
        }),
        way("whole call: labels of a task, bytes to bytes", 20, labels),
        way("whole call: environment of an executor, bytes to bytes", 20, environment),
        way("a process for the event: /bin/true", 1, fork("/bin/true")),
        way("a process for the event: /bin/cat", 1, fork("/bin/cat")),
    ];
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    ways.retain(|way| wanted.as_ref().is_none_or(|wanted| way.name.contains(wanted)));
    for _ in 0..TURNS {
        for way in &mut ways {
            let began = Instant::now();
            for _ in 0..way.times {
                (way.run)();
            }
            way.took.push(began.elapsed() / way.times);
        }
    }
    println!("1,000 rules, of which ten match; {TURNS} turns, medians\n");
    let Some(base) = ways.first().map(|way| median(&way.took)) else { return };
    for way in &ways {
        let median = median(&way.took);
        let ratio = median.as_secs_f64() / base.as_secs_f64();
        println!("{:<56} {:>9.1} µs {:>8.1} ×", way.name, median.as_secs_f64() * 1e6, ratio);
    }
}

fn median(took: &[Duration]) -> Duration {
    let mut sorted = took.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}
