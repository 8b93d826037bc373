//! The host's messages for the target `hook`: put together so that most can be read, with hostile names, sizes and counts.

use apportion_policy::HookPoint;
use apportion_wire::messages::{
    AgentId, AgentInfo, Attribute, Capability, CommandInfo, ContainerId, ContainerInfo, DockerInfo,
    ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, HostMessage, Image, ImageName, MesosInfo,
    RawEnvironment, RawLabels, TaskId, TaskInfo, TaskStatus, TextItems, TextValue, ValueRange, ValueRanges,
    ValueScalar, decode, encode,
};
use apportion_wire::resource::{ResourceParts, split};

use super::rules::{SECRET, has_sign_of_secret};
use crate::entropy::Entropy;
use crate::wire::{assembled, put_bytes_field, put_double_field, put_varint_field};

/// All that the host tells in one round of the methods.
#[derive(Debug)]
pub(super) struct Messages {
    pub(super) task: TaskInfo,
    pub(super) executor: ExecutorInfo,
    pub(super) framework: FrameworkInfo,
    pub(super) agent: AgentInfo,
    pub(super) status: TaskStatus,
    pub(super) container: ContainerId,
    /// Whether the task of a Docker container is told.
    pub(super) tells_task: bool,
    pub(super) container_name: Vec<u8>,
    pub(super) sandbox: Vec<u8>,
    /// Variables that the host gives a Docker executor.
    pub(super) variables: Vec<Vec<u8>>,
    /// What the task's offer has left.
    pub(super) left: Vec<ResourceParts>,
    pub(super) agent_resources: Vec<Vec<u8>>,
}

impl Messages {
    /// Everything.
    pub(super) fn draw(entropy: &mut Entropy<'_>) -> Messages {
        Messages::of(entropy, |_| true)
    }

    /// What is looked at when one method is called, with those that remember a launch if there was one before.
    pub(super) fn for_call(entropy: &mut Entropy<'_>, point: HookPoint, seen: bool) -> Messages {
        let points = [Some(point), seen.then_some(HookPoint::SlaveRunTaskLabels)];
        Messages::of(entropy, |asked| points.iter().flatten().any(|point| asked.contains(point)))
    }

    /// Messages that are looked at at some points, and others without anything in them.
    fn of(entropy: &mut Entropy<'_>, looks_at: impl Fn(&[HookPoint]) -> bool) -> Messages {
        use HookPoint::{
            MasterLaunchTaskLabels, MasterLaunchTaskResources, MasterSlaveLost, SlaveAttributes,
            SlaveExecutorEnvironment, SlavePostFetch, SlavePreLaunchDockerTaskExecutor, SlaveRemoveExecutor,
            SlaveResources, SlaveRunTaskLabels, SlaveTaskStatus,
        };
        let is_docker = looks_at(&[SlavePreLaunchDockerTaskExecutor]);
        let mut messages = Messages {
            task: TaskInfo::default(),
            executor: ExecutorInfo::default(),
            framework: FrameworkInfo::default(),
            agent: AgentInfo::default(),
            status: TaskStatus::default(),
            container: message(entropy, container_id),
            tells_task: entropy.flag(),
            container_name: word(entropy),
            sandbox: sandbox(entropy),
            variables: Vec::new(),
            left: Vec::new(),
            agent_resources: Vec::new(),
        };
        if is_docker {
            let variables = entries(entropy);
            messages.variables = variables.into_iter().map(|entry| pair(entry, entropy)).collect();
        }
        if looks_at(&[MasterLaunchTaskResources]) {
            let left = several(entropy, 4, resource);
            messages.left = left.iter().filter_map(|bytes| Some(split(bytes).ok()?.into_parts())).collect();
            messages.agent_resources = several(entropy, 3, resource);
        }
        if is_docker || looks_at(&[MasterLaunchTaskLabels, SlaveRunTaskLabels, MasterLaunchTaskResources]) {
            messages.task = message(entropy, task);
        }
        let of_executor = [SlaveRunTaskLabels, SlaveExecutorEnvironment, SlaveRemoveExecutor, SlavePostFetch];
        if is_docker || looks_at(&of_executor) {
            messages.executor = message(entropy, executor);
        }
        if looks_at(&[MasterLaunchTaskLabels, SlaveRunTaskLabels, SlaveRemoveExecutor, SlaveTaskStatus]) {
            messages.framework = message(entropy, framework);
        }
        let of_agent =
            [MasterLaunchTaskLabels, SlaveRunTaskLabels, SlaveResources, SlaveAttributes, MasterSlaveLost];
        if looks_at(&of_agent) {
            messages.agent = message(entropy, agent);
        }
        if looks_at(&[SlaveTaskStatus]) {
            messages.status = message(entropy, status);
        }
        messages
    }

    /// The framework that the executor says it belongs to.
    pub(super) fn executor_framework_id(&self) -> Option<&[u8]> {
        self.executor.framework_id.as_ref().map(|id| id.value.as_slice())
    }

    /// The task that a Docker container is for, if the host tells it.
    pub(super) fn docker_task(&self) -> Option<&TaskInfo> {
        self.tells_task.then_some(&self.task)
    }
}

/// A message as it was drawn; now and then damaged or another one altogether, if that is one. It has been on the wire.
fn message<M: HostMessage>(entropy: &mut Entropy<'_>, draw: impl FnOnce(&mut Entropy<'_>) -> M) -> M {
    let mut bytes = encode(&draw(entropy));
    let whole = bytes.clone();
    match entropy.byte() {
        0xff => bytes = assembled(entropy),
        0xfe => {
            let length = entropy.below(200);
            bytes = entropy.take(length).to_vec();
        }
        0xf8..=0xfd => {
            // Fields that nobody knows here, and further occurrences of those that are known.
            bytes.extend(assembled(entropy));
        }
        // Half of the secret is none that anybody could know.
        0xf4..=0xf7 if !bytes.is_empty() && !has_sign_of_secret(&bytes) => {
            let at = (entropy.below(256) << 8 | entropy.below(256)) % bytes.len();
            bytes[at] = entropy.byte();
        }
        _ => {}
    }
    decode(&bytes).or_else(|_| decode(&whole)).expect("what was encoded can be decoded")
}

const WORDS: [&[u8]; 24] = [
    b"x",
    b"y",
    b"x1",
    b"web-1",
    b"",
    b"a",
    b"b",
    b"prod/web",
    b"prod",
    b"*",
    b"ops",
    b"host-a",
    b"token",
    b"tier",
    b"front",
    b"\0",
    b"\xff\xfe",
    b"\n",
    b"{{ task.name }}",
    b"r1",
    b"registry.example/a:latest",
    b"=",
    b"\xed\xa0\x80",
    "Straße İ".as_bytes(),
];

/// A text of the host: a word for the most part, else bytes of the input.
fn word(entropy: &mut Entropy<'_>) -> Vec<u8> {
    if entropy.mostly() {
        return entropy.pick(&WORDS).to_vec();
    }
    let length = entropy.below(24);
    entropy.take(length).to_vec()
}

const KEYS: [&[u8]; 20] = [
    b"token",
    b"tier",
    b"a",
    b"b",
    b"c",
    b"A",
    b"B",
    b"a.b",
    b"PATH",
    b"LD_PRELOAD",
    b"TOKEN",
    b"x",
    b"tmp.1",
    b"rack",
    b"",
    b"k\xff",
    b"k\xfe",
    "k\u{fffd}".as_bytes(),
    b"a=b",
    b"\0",
];

/// A value of a label or a variable; it may be one that an earlier rule made of a file, or one that is very long.
fn value(entropy: &mut Entropy<'_>) -> Vec<u8> {
    match entropy.byte() {
        0xff if entropy.flag() => entropy.pick(&WORDS).repeat(100 * 1024 / 4),
        0xff if entropy.flag() => b"a".repeat(64 * 1024 - entropy.below(3)),
        0xf0..=0xf5 => b"aaaa".repeat(usize::from(entropy.byte())),
        0xe0..=0xef => SECRET.as_bytes().to_vec(),
        0xd8..=0xdf => format!("<{SECRET}> and more").into_bytes(),
        _ => word(entropy),
    }
}

type NameAndValue = (Vec<u8>, Option<Vec<u8>>);

/// Names with values: a few, or now and then thousands.
fn entries(entropy: &mut Entropy<'_>) -> Vec<NameAndValue> {
    let key = |entropy: &mut Entropy<'_>| {
        if entropy.mostly() { entropy.pick(&KEYS).to_vec() } else { word(entropy) }
    };
    let mut entries = several(entropy, 7, |entropy| (key(entropy), entropy.mostly().then(|| value(entropy))));
    if entropy.byte() == 0xff && entropy.below(8) == 0 {
        let count = entropy.pick(&[10, 300, 990, 1000, 1001, 3000]);
        let value = word(entropy);
        // Some of them several times.
        let distinct = count - entropy.pick(&[0, 0, 1, 8]);
        entries.extend(
            (0..count).map(|number| (format!("k{}", number % distinct).into_bytes(), Some(value.clone()))),
        );
    }
    entries
}

/// A variable as the host keeps it in memory, now and then without a value.
fn pair((name, value): NameAndValue, entropy: &mut Entropy<'_>) -> Vec<u8> {
    if entropy.rarely() {
        return name;
    }
    [&name[..], b"=", &value.unwrap_or_default()].concat()
}

/// A label or variable on the wire, with a field that is not known here.
fn entry_bytes((name, value): NameAndValue, entropy: &mut Entropy<'_>, number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_bytes_field(&mut bytes, 1, &name);
    if let Some(value) = value {
        put_bytes_field(&mut bytes, 2, &value);
    }
    if entropy.rarely() {
        put_bytes_field(&mut bytes, number, b"not known here");
    }
    bytes
}

fn labels(entropy: &mut Entropy<'_>) -> Option<RawLabels> {
    let labels = entries(entropy).into_iter().map(|entry| entry_bytes(entry, entropy, 9)).collect();
    entropy.mostly().then_some(RawLabels { labels })
}

fn command(entropy: &mut Entropy<'_>) -> Option<CommandInfo> {
    let variables = entries(entropy).into_iter().map(|entry| {
        let mut bytes = entry_bytes(entry, entropy, 4);
        if entropy.flag() {
            put_varint_field(&mut bytes, 3, 1 + u64::from(entropy.rarely()));
        }
        bytes
    });
    let environment = Some(RawEnvironment { variables: variables.collect() });
    let command = CommandInfo { environment, value: Some(word(entropy)), ..CommandInfo::default() };
    entropy.mostly().then_some(command)
}

const RESOURCES: [&[u8]; 8] =
    [b"cpus", b"mem", b"disk", b"gpus", b"ports", b"network_bandwidth", b"z", b"\xff"];
const ROLES: [&[u8]; 5] = [b"prod/web", b"a", b"*", b"a/b", b""];
const AMOUNTS: [f64; 16] = [
    1.0,
    2.0,
    0.5,
    64.0,
    100.0,
    1024.0,
    0.001,
    0.0,
    1.0005,
    1e6,
    9e12,
    1e15,
    9_223_372_036_854_774.0,
    f64::NAN,
    -1.0,
    0.1,
];

/// A resource, in the format that the host shows modules: scalars of all kinds, ranges and sets.
fn resource(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let field = |number, content: &[u8]| {
        let mut bytes = Vec::new();
        put_bytes_field(&mut bytes, number, content);
        bytes
    };
    let mut bytes = field(1, entropy.pick(&RESOURCES));
    let kind = if entropy.byte() < 0xd0 { 0 } else { entropy.below(4) };
    put_varint_field(&mut bytes, 2, kind as u64);
    match kind {
        0 => {
            // Good amounts are the more frequent ones.
            let most = if entropy.mostly() { 8 } else { AMOUNTS.len() };
            let mut scalar = Vec::new();
            put_double_field(&mut scalar, 1, AMOUNTS[entropy.below(most)]);
            bytes.extend(field(3, &scalar));
        }
        1 => {
            let mut range = Vec::new();
            put_varint_field(&mut range, 1, 5);
            put_varint_field(&mut range, 2, 5 + entropy.below(9) as u64);
            bytes.extend(field(4, &field(1, &range)));
        }
        _ => bytes.extend(field(5, &field(1, entropy.pick(&WORDS)))),
    }
    if entropy.below(4) == 0 {
        let mut reservation = field(3, entropy.pick(&ROLES));
        put_varint_field(&mut reservation, 4, 1 + entropy.below(2) as u64);
        bytes.extend(field(13, &reservation));
    }
    match entropy.byte() {
        0xf0.. => bytes.extend(field(9, b"")),
        0xe0.. => bytes.extend(field(7, &[field(1, &field(1, b"v")), field(2, &field(1, b"p"))].concat())),
        0xd8.. => bytes.extend(field(7, &field(3, b"\x08\x02"))),
        0xd0.. => bytes.extend(field(7, &field(3, b"\x08\x01"))),
        0xc8.. => {
            bytes.extend(field(7, &field(1, &field(1, b"v"))));
            bytes.extend(field(10, b""));
        }
        0xc0.. => bytes.extend(field(99, b"not known here")),
        _ => {}
    }
    if entropy.mostly() {
        bytes.extend(field(11, &field(1, if entropy.mostly() { b"prod/web" } else { entropy.pick(&ROLES) })));
    }
    bytes
}

fn several<T>(entropy: &mut Entropy<'_>, most: usize, mut draw: impl FnMut(&mut Entropy<'_>) -> T) -> Vec<T> {
    (0..entropy.below(most + 1)).map(|_| draw(entropy)).collect()
}

fn framework_id(entropy: &mut Entropy<'_>) -> FrameworkId {
    FrameworkId { value: if entropy.mostly() { b"f".to_vec() } else { word(entropy) } }
}

/// Ids of tasks and executors are often the same, as they are with command tasks.
fn id(entropy: &mut Entropy<'_>) -> Vec<u8> {
    if entropy.below(4) > 0 { b"x".to_vec() } else { word(entropy) }
}

fn container(entropy: &mut Entropy<'_>) -> Option<ContainerInfo> {
    let image = word(entropy);
    let info = match entropy.below(4) {
        0 => return None,
        1 => ContainerInfo {
            r#type: ContainerInfo::DOCKER,
            docker: Some(DockerInfo { image, ..DockerInfo::default() }),
            ..ContainerInfo::default()
        },
        2 => {
            let name = Some(ImageName { name: image });
            let image = Image { r#type: Image::DOCKER, docker: name, appc: None };
            ContainerInfo {
                r#type: ContainerInfo::MESOS,
                mesos: Some(MesosInfo { image: Some(image) }),
                ..ContainerInfo::default()
            }
        }
        _ => ContainerInfo { r#type: i32::from(entropy.byte()), ..ContainerInfo::default() },
    };
    Some(info)
}

fn task(entropy: &mut Entropy<'_>) -> TaskInfo {
    TaskInfo {
        name: word(entropy),
        task_id: TaskId { value: id(entropy) },
        agent_id: AgentId { value: word(entropy) },
        resources: several(entropy, 6, resource),
        executor: entropy.rarely().then(|| executor(entropy)),
        command: command(entropy),
        container: container(entropy),
        labels: labels(entropy),
        ..TaskInfo::default()
    }
}

fn executor(entropy: &mut Entropy<'_>) -> ExecutorInfo {
    ExecutorInfo {
        executor_id: ExecutorId { value: id(entropy) },
        resources: several(entropy, 3, resource),
        command: command(entropy),
        framework_id: entropy.mostly().then(|| framework_id(entropy)),
        name: entropy.flag().then(|| word(entropy)),
        source: entropy.flag().then(|| word(entropy)),
        container: container(entropy),
        labels: entropy.rarely().then(|| labels(entropy)).flatten(),
        ..ExecutorInfo::default()
    }
}

fn framework(entropy: &mut Entropy<'_>) -> FrameworkInfo {
    let capability = Capability { r#type: Some(Capability::MULTI_ROLE) };
    FrameworkInfo {
        user: word(entropy),
        name: word(entropy),
        id: entropy.mostly().then(|| framework_id(entropy)),
        role: entropy.flag().then(|| word(entropy)),
        principal: entropy.flag().then(|| word(entropy)),
        capabilities: if entropy.flag() { vec![capability] } else { Vec::new() },
        labels: entropy.rarely().then(|| labels(entropy)).flatten(),
        roles: several(entropy, 2, word),
        ..FrameworkInfo::default()
    }
}

fn agent(entropy: &mut Entropy<'_>) -> AgentInfo {
    AgentInfo {
        hostname: word(entropy),
        resources: several(entropy, 6, resource),
        attributes: several(entropy, 4, attribute),
        id: entropy.flag().then(|| AgentId { value: word(entropy) }),
        ..AgentInfo::default()
    }
}

/// An attribute; its type need not be that of its value.
fn attribute(entropy: &mut Entropy<'_>) -> Attribute {
    let names: [&[u8]; 8] = [b"rack", b"kernel", b"level", b"zone", b"ssd", b"", b"\xff", b"model"];
    let kind = entropy.below(4);
    let range = ValueRange { begin: u64::from(entropy.byte()), end: entropy.number() };
    Attribute {
        name: entropy.pick(&names).to_vec(),
        r#type: if entropy.mostly() { [0, 1, 2, 3][kind] } else { i32::from(entropy.byte()) },
        scalar: (kind == 0).then(|| ValueScalar { value: entropy.pick(&AMOUNTS) }),
        ranges: (kind == 1).then(|| ValueRanges { range: vec![range] }),
        set: (kind == 2).then(|| TextItems { item: several(entropy, 3, word) }),
        text: (kind == 3).then(|| TextValue { value: word(entropy) }),
    }
}

fn status(entropy: &mut Entropy<'_>) -> TaskStatus {
    TaskStatus {
        task_id: TaskId { value: id(entropy) },
        state: i32::from(entropy.byte() % 16),
        agent_id: entropy.flag().then(|| AgentId { value: word(entropy) }),
        executor_id: entropy.flag().then(|| ExecutorId { value: id(entropy) }),
        labels: labels(entropy),
        ..TaskStatus::default()
    }
}

fn container_id(entropy: &mut Entropy<'_>) -> ContainerId {
    let parent = entropy.flag().then(|| Box::new(ContainerId { value: word(entropy), parent: None }));
    ContainerId { value: word(entropy), parent }
}

fn sandbox(entropy: &mut Entropy<'_>) -> Vec<u8> {
    match entropy.below(4) {
        0 => word(entropy),
        1 => [&word(entropy)[..], b"/frameworks/", &word(entropy), b"/executors/", &word(entropy), b"/runs/"]
            .concat(),
        _ => b"/var/lib/mesos/slaves/s/frameworks/f/executors/x/runs/c".to_vec(),
    }
}
