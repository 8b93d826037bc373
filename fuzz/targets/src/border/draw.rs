//! Messages of the host, good ones for the most part: what is refused at once gets nowhere.

use std::sync::OnceLock;

use apportion_bridge::abi::apportion_quantity;
use apportion_wire::messages::{
    AgentId, AgentInfo, Attribute, Capability, CommandInfo, ContainerConfig, ContainerId, ContainerState,
    ExecutorId, ExecutorInfo, ExecutorUsage, Filters, FrameworkId, FrameworkInfo, Parameter, Parameters,
    ResourceUsage, TaskId, TaskInfo, TaskStatus, TaskUsage, TextValue, TimeInfo, Unavailability, WeightInfo,
    encode,
};

use super::lent::Lent;
use crate::entropy::Entropy;
use crate::wire::{assembled, put_bytes_field, put_double_field, put_varint_field};

const NAMES: [&[u8]; 5] = [b"x1", b"x2", b"x3", b"", b"\xff\n"];
const ROLES: [&[u8]; 6] = [b"a", b"a/x", b"b", b"*", b"", b"\xfe"];
const RESOURCES: [&[u8]; 5] = [b"cpus", b"mem", b"disk", b"gpus", b"ports"];
const AMOUNTS: [f64; 12] =
    [1.0, 2.0, 4.0, 0.5, 0.001, 0.0, -1.0, f64::NAN, f64::INFINITY, 1e15, 1_099_511_627_776.0, 100.0];

/// An id of an agent or a framework.
pub(super) fn id(entropy: &mut Entropy<'_>) -> Vec<u8> {
    if entropy.rarely() {
        let length = entropy.below(8);
        return entropy.take(length).to_vec();
    }
    entropy.pick(&NAMES).to_vec()
}

pub(super) fn role(entropy: &mut Entropy<'_>) -> Vec<u8> {
    entropy.pick(&ROLES).to_vec()
}

pub(super) fn several<T>(
    entropy: &mut Entropy<'_>,
    most: usize,
    mut draw: impl FnMut(&mut Entropy<'_>) -> T,
) -> Vec<T> {
    (0..entropy.below(most + 1)).map(|_| draw(entropy)).collect()
}

/// The message as it is, damaged, or another one altogether.
fn perhaps_broken(entropy: &mut Entropy<'_>, mut message: Vec<u8>) -> Vec<u8> {
    match entropy.byte() {
        0xff => assembled(entropy),
        0xfe => {
            let length = entropy.below(60);
            entropy.take(length).to_vec()
        }
        0xf8..=0xfd if !message.is_empty() => {
            let at = entropy.below(message.len().min(256));
            message[at] = entropy.byte();
            message
        }
        0xf4..=0xf7 => {
            message.truncate(entropy.below(64));
            message
        }
        _ => message,
    }
}

fn field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    put_bytes_field(&mut field, number, content);
    field
}

fn whole(number: u32, value: u64) -> Vec<u8> {
    let mut field = Vec::new();
    put_varint_field(&mut field, number, value);
    field
}

/// A resource without allocation.
fn plain_resource(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let name = entropy.pick(&RESOURCES);
    let mut resource = field(1, name);
    if name == b"ports" {
        let begin = u64::from(entropy.byte());
        resource.extend(whole(2, 1));
        let range = [whole(1, begin), whole(2, begin + 10)].concat();
        resource.extend(field(4, &field(1, &range)));
    } else {
        let mut scalar = Vec::new();
        put_double_field(&mut scalar, 1, entropy.pick(&AMOUNTS));
        resource.extend(whole(2, 0));
        resource.extend(field(3, &scalar));
    }
    let flags = entropy.byte();
    let flag = |bit: u8| flags & (1 << bit) != 0;
    if name == b"disk" && flag(0) {
        let volume = field(1, &field(1, b"volume"));
        let source =
            if flag(1) { field(3, &[whole(1, 2), field(3, &field(1, b"/m"))].concat()) } else { Vec::new() };
        resource.extend(field(7, &[volume, source].concat()));
        if flag(2) {
            resource.extend(field(10, b""));
        }
    }
    if flag(3) && flag(4) {
        resource.extend(field(9, b""));
    }
    if flag(5) {
        let to = entropy.pick(&[&b"a"[..], b"b"]);
        resource.extend(field(13, &[field(3, to), whole(4, 1)].concat()));
        if flag(6) {
            resource.extend(field(13, &[field(3, b"a/x"), whole(4, 2), field(1, b"p")].concat()));
        }
    }
    resource
}

/// A resource that an agent has.
pub(super) fn resource(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let resource = plain_resource(entropy);
    perhaps_broken(entropy, resource)
}

/// A resource that somebody holds.
pub(super) fn allocated(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let mut resource = plain_resource(entropy);
    if entropy.mostly() {
        resource.extend(field(11, &field(1, entropy.pick(&ROLES))));
    }
    perhaps_broken(entropy, resource)
}

/// What a framework that holds nothing is told: nothing, or a few resources.
pub(super) fn operation(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let kind = entropy.pick(&[2_u8, 3, 4, 5, 11, 12, 1, 13]);
    let content: Vec<u8> = several(entropy, 2, |entropy| field(1, &plain_resource(entropy))).concat();
    let number = if kind < 10 { kind + 1 } else { kind + 2 };
    let message = [whole(1, u64::from(kind)), field(u32::from(number), &content)].concat();
    perhaps_broken(entropy, message)
}

pub(super) fn framework(entropy: &mut Entropy<'_>, id: &[u8]) -> Vec<u8> {
    let missing = entropy.byte();
    let capabilities = (1..=8).filter(|number| missing & (1 << (number - 1)) == 0);
    let info = FrameworkInfo {
        user: b"nobody".to_vec(),
        name: b"a framework".to_vec(),
        id: Some(FrameworkId { value: id.to_vec() }),
        capabilities: capabilities.map(|number| Capability { r#type: Some(number) }).collect(),
        roles: several(entropy, 3, role),
        ..FrameworkInfo::default()
    };
    perhaps_broken(entropy, encode(&info))
}

pub(super) fn agent(entropy: &mut Entropy<'_>, id: &[u8]) -> Vec<u8> {
    let rack = Attribute {
        name: b"rack".to_vec(),
        r#type: Attribute::TEXT,
        text: Some(TextValue { value: entropy.pick(&NAMES).to_vec() }),
        ..Attribute::default()
    };
    let reclaims = Attribute {
        name: b"apportion_reclaim".to_vec(),
        r#type: Attribute::TEXT,
        text: Some(TextValue { value: b"v1".to_vec() }),
        ..Attribute::default()
    };
    let info = AgentInfo {
        hostname: entropy.pick(&NAMES).to_vec(),
        id: Some(AgentId { value: id.to_vec() }),
        attributes: if entropy.mostly() { vec![rack, reclaims] } else { vec![rack] },
        ..AgentInfo::default()
    };
    perhaps_broken(entropy, encode(&info))
}

pub(super) fn capability(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let message = encode(&Capability { r#type: Some(i32::from(entropy.byte() & 3)) });
    perhaps_broken(entropy, message)
}

pub(super) fn unavailability(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let nanoseconds = entropy.pick(&[0, 7, i64::MAX, i64::MIN]);
    let message = encode(&Unavailability { start: TimeInfo { nanoseconds }, duration: None });
    perhaps_broken(entropy, message)
}

pub(super) fn filters(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let message = encode(&Filters { refuse_seconds: Some(entropy.pick(&AMOUNTS)) });
    perhaps_broken(entropy, message)
}

pub(super) fn weight(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let message = encode(&WeightInfo { role: Some(role(entropy)), weight: entropy.pick(&AMOUNTS) });
    perhaps_broken(entropy, message)
}

pub(super) fn quantity(entropy: &mut Entropy<'_>, lent: &mut Lent) -> apportion_quantity {
    let name = lent.bytes(entropy.pick(&RESOURCES).to_vec());
    apportion_quantity { name, value: entropy.pick(&AMOUNTS) }
}

pub(super) fn task(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let id = id(entropy);
    let task = TaskInfo {
        name: id.clone(),
        task_id: TaskId { value: id },
        agent_id: AgentId { value: b"x1".to_vec() },
        resources: several(entropy, 3, allocated),
        ..TaskInfo::default()
    };
    perhaps_broken(entropy, encode(&task))
}

pub(super) fn executor(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let executor = ExecutorInfo {
        executor_id: ExecutorId { value: id(entropy) },
        framework_id: Some(FrameworkId { value: id(entropy) }),
        command: Some(CommandInfo { value: Some(id(entropy)), ..CommandInfo::default() }),
        ..ExecutorInfo::default()
    };
    perhaps_broken(entropy, encode(&executor))
}

/// What runs on an agent, at times more than it has.
pub(super) fn usage(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let lent = |entropy: &mut Entropy<'_>| {
        let mut resource = allocated(entropy);
        if entropy.flag() {
            resource.extend(field(9, b""));
        }
        resource
    };
    let executors = several(entropy, 3, |entropy| ExecutorUsage {
        executor_info: ExecutorInfo {
            executor_id: ExecutorId { value: id(entropy) },
            framework_id: Some(FrameworkId { value: id(entropy) }),
            ..ExecutorInfo::default()
        },
        allocated: several(entropy, 2, lent),
        container_id: container_id_parts(entropy),
        tasks: several(entropy, 2, |entropy| TaskUsage {
            resources: several(entropy, 2, lent),
            ..TaskUsage::default()
        }),
        ..ExecutorUsage::default()
    });
    let usage = ResourceUsage { executors, total: several(entropy, 2, resource) };
    perhaps_broken(entropy, encode(&usage))
}

pub(super) fn task_status(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let status = TaskStatus { state: TaskStatus::TASK_RUNNING, ..TaskStatus::default() };
    perhaps_broken(entropy, encode(&status))
}

/// A container, nested in another one at times.
fn container_id_parts(entropy: &mut Entropy<'_>) -> ContainerId {
    let parent = entropy.rarely().then(|| Box::new(ContainerId { value: b"x1".to_vec(), parent: None }));
    ContainerId { value: id(entropy), parent }
}

pub(super) fn container_id(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let id = container_id_parts(entropy);
    perhaps_broken(entropy, encode(&id))
}

pub(super) fn container_config(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let config = ContainerConfig {
        directory: b"/sandbox".to_vec(),
        command_info: CommandInfo { value: Some(id(entropy)), ..CommandInfo::default() },
        ..ContainerConfig::default()
    };
    perhaps_broken(entropy, encode(&config))
}

/// A container that survived; its process is one that does not exist, so that no answer depends on the machine.
pub(super) fn container_state(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let state = ContainerState {
        container_id: container_id_parts(entropy),
        pid: u64::MAX,
        directory: b"/sandbox".to_vec(),
        ..ContainerState::default()
    };
    perhaps_broken(entropy, encode(&state))
}

/// Parameters that all modules are made with: rules of every kind.
pub(super) fn parameters() -> Vec<u8> {
    let pairs = [
        ("hook.labels.rack", "{{ agent.attributes.rack | default('none') }}"),
        ("hook.environment.ROLE", "{{ framework.role }}"),
        ("isolator.environment.ID", "{{ container.id }}"),
        ("isolator.rlimits.nofile", "1024:4096"),
    ];
    let parameter = pairs.map(|(key, value)| Parameter { key: key.into(), value: value.into() });
    encode(&Parameters { parameter: parameter.to_vec() })
}

/// Rules by which every role lends and borrows.
const LENDING: &str = r#"
[lending]
fan_out = 3
min_idle = "0s"
back_off = { conflicts = 1 }
slice = { cpus = 2 }
[[lending.lenders]]
roles = ["a", "a/**"]
[[lending.lenders]]
roles = "**"
part = "50%"
[[lending.borrowers]]
roles = "b"
priority = 9
[[lending.borrowers]]
roles = "**"
[lending.limits]
a = { lend = { cpus = "50%" }, borrow = { cpus = 3 } }
"#;

/// Parameters of an allocator that lends. Such rules need a file.
pub(super) fn parameters_of_lending() -> Vec<u8> {
    static FILE: OnceLock<String> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("apportion-fuzz-{}.toml", std::process::id()));
        std::fs::write(&path, LENDING).expect("a file for the rules of lending");
        path.to_str().expect("a path that is text").to_owned()
    });
    let parameter = Parameter { key: b"config".to_vec(), value: file.as_bytes().to_vec() };
    encode(&Parameters { parameter: vec![parameter] })
}

/// Any parameters but those that ask for a panic or for a file.
pub(super) fn any_parameters(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let message = perhaps_broken(entropy, parameters());
    let mentions = |word: &[u8]| message.windows(word.len()).any(|window| window == word);
    if mentions(b"drill") || mentions(b"config") { Vec::new() } else { message }
}
