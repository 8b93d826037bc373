//! Host messages as bytes: resources field by field, everything else from the declarations.

use apportion_wire::messages::{
    AgentId, AgentInfo, Attribute, Capability, CommandInfo, ContainerConfig, ContainerId, ContainerState,
    Environment, ExecutorId, ExecutorInfo, ExecutorUsage, Filters, FrameworkId, FrameworkInfo, Parameter,
    Parameters, RawLabels, ResourceUsage, TaskId, TaskInfo, TaskStatus, TaskUsage, TextValue, TimeInfo,
    Unavailability, WeightInfo, encode,
};

/// A number as protobuf writes it.
pub(crate) fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A field that holds text, bytes or a message.
pub(crate) fn field(number: u32, content: &[u8]) -> Vec<u8> {
    [varint(u64::from(number) << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

/// A field that holds a whole number.
pub(crate) fn whole(number: u32, value: u64) -> Vec<u8> {
    [varint(u64::from(number) << 3), varint(value)].concat()
}

/// A field that holds a double.
pub(crate) fn double(number: u32, value: f64) -> Vec<u8> {
    [varint(u64::from(number) << 3 | 1), value.to_le_bytes().to_vec()].concat()
}

/// The fields of a message: number, and tag with payload. For messages that are right only.
pub(crate) fn fields(bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn number(bytes: &[u8], at: &mut usize) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = bytes[*at];
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut at = 0;
    let mut fields = Vec::new();
    while at < bytes.len() {
        let start = at;
        let tag = number(bytes, &mut at);
        match tag & 7 {
            0 => {
                number(bytes, &mut at);
            }
            1 => at += 8,
            2 => {
                let length = usize::try_from(number(bytes, &mut at)).unwrap();
                at += length;
            }
            5 => at += 4,
            other => panic!("wire type {other}"),
        }
        fields.push((tag >> 3, bytes[start..at].to_vec()));
    }
    fields
}

/// Number of `Resource.allocation_info`.
const ALLOCATION: u64 = 11;

/// A resource as a list of fields in ascending order, without its allocation: what must survive.
pub(crate) fn lasting(resource: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut fields = fields(resource);
    fields.retain(|(number, _)| *number != ALLOCATION);
    fields.sort_by_key(|(number, _)| *number);
    fields
}

/// The role that a resource is allocated to.
pub(crate) fn allocation_of(resource: &[u8]) -> Option<Vec<u8>> {
    let mut allocations = fields(resource).into_iter().filter(|(number, _)| *number == ALLOCATION);
    let (_, allocation) = allocations.next()?;
    assert_eq!(allocations.next(), None, "one allocation is enough");
    let length = allocation.len();
    // Tag and length of the allocation, tag and length of the role, all below 128 here.
    (length >= 4).then(|| allocation[4..].to_vec())
}

/// `name: SCALAR`.
pub(crate) fn scalar(name: &[u8], amount: f64) -> Vec<u8> {
    [field(1, name), whole(2, 0), field(3, &double(1, amount))].concat()
}

/// `name: RANGES`.
pub(crate) fn ranges(name: &[u8], pairs: &[(u64, u64)]) -> Vec<u8> {
    let pairs = pairs.iter().map(|&(begin, end)| field(1, &[whole(1, begin), whole(2, end)].concat()));
    [field(1, name), whole(2, 1), field(4, &pairs.collect::<Vec<_>>().concat())].concat()
}

/// `name: SET`.
pub(crate) fn set(name: &[u8], items: &[&[u8]]) -> Vec<u8> {
    let items: Vec<Vec<u8>> = items.iter().map(|item| field(1, item)).collect();
    [field(1, name), whole(2, 2), field(5, &items.concat())].concat()
}

/// The resource allocated to a role.
pub(crate) fn allocated(resource: &[u8], role: &[u8]) -> Vec<u8> {
    [resource.to_vec(), field(11, &field(1, role))].concat()
}

/// The resource with one more dynamic reservation.
pub(crate) fn reserved(resource: &[u8], role: &[u8]) -> Vec<u8> {
    [resource.to_vec(), field(13, &[field(3, role), whole(4, 2)].concat())].concat()
}

/// A mounted disk of its own, all or nothing.
pub(crate) fn mounted_disk(amount: f64, root: &[u8]) -> Vec<u8> {
    let source = [whole(1, 2), field(3, &field(1, root))].concat();
    [scalar(b"disk", amount), field(7, &field(3, &source))].concat()
}

/// A persistent volume, reserved for `role`.
pub(crate) fn volume(amount: f64, id: &[u8], path: &[u8], role: &[u8]) -> Vec<u8> {
    let mount = [field(1, path), whole(3, 1)].concat();
    let disk = [field(1, &field(1, id)), field(2, &mount)].concat();
    reserved(&[scalar(b"disk", amount), field(7, &disk)].concat(), role)
}

/// An `Offer.Operation` RESERVE of these resources.
pub(crate) fn reserve_operation(resources: &[Vec<u8>]) -> Vec<u8> {
    let resources: Vec<Vec<u8>> = resources.iter().map(|resource| field(1, resource)).collect();
    [whole(1, 2), field(3, &resources.concat())].concat()
}

/// Module parameters.
pub(crate) fn parameters(pairs: &[(&str, &str)]) -> Vec<u8> {
    let parameter = pairs.iter().map(|(key, value)| Parameter { key: (*key).into(), value: (*value).into() });
    encode(&Parameters { parameter: parameter.collect() })
}

/// Labels of which each is a serialised `Label`.
pub(crate) fn labels(pairs: &[(&[u8], &[u8])]) -> RawLabels {
    let labels = pairs.iter().map(|(key, value)| [field(1, key), field(2, value)].concat());
    RawLabels { labels: labels.collect() }
}

/// A framework with several roles and every capability that decides about offers.
pub(crate) fn framework(id: &[u8], roles: &[&[u8]]) -> FrameworkInfo {
    let capabilities = [
        Capability::REVOCABLE_RESOURCES,
        Capability::GPU_RESOURCES,
        Capability::SHARED_RESOURCES,
        Capability::MULTI_ROLE,
        Capability::RESERVATION_REFINEMENT,
        Capability::REGION_AWARE,
    ];
    FrameworkInfo {
        user: b"nobody".to_vec(),
        name: [b"the framework ", id].concat(),
        id: Some(FrameworkId { value: id.to_vec() }),
        capabilities: capabilities.map(|number| Capability { r#type: Some(number) }).to_vec(),
        roles: roles.iter().map(|role| role.to_vec()).collect(),
        ..FrameworkInfo::default()
    }
}

/// An agent with a rack.
pub(crate) fn agent(id: &[u8], rack: &[u8]) -> AgentInfo {
    let rack = Attribute {
        name: b"rack".to_vec(),
        r#type: Attribute::TEXT,
        text: Some(TextValue { value: rack.to_vec() }),
        ..Attribute::default()
    };
    AgentInfo {
        hostname: [b"host-", id].concat(),
        id: Some(AgentId { value: id.to_vec() }),
        attributes: vec![rack],
        ..AgentInfo::default()
    }
}

/// The capabilities of an agent that serves any framework: MULTI_ROLE and HIERARCHICAL_ROLE.
pub(crate) fn agent_capabilities() -> Vec<Vec<u8>> {
    [1, 2].map(|number| encode(&Capability { r#type: Some(number) })).to_vec()
}

/// A task that asks for a CPU in role "web".
pub(crate) fn task(id: &[u8]) -> TaskInfo {
    TaskInfo {
        name: [b"the task ", id].concat(),
        task_id: TaskId { value: id.to_vec() },
        agent_id: AgentId { value: b"a".to_vec() },
        resources: vec![allocated(&scalar(b"cpus", 1.0), b"web")],
        command: Some(command(b"sleep 1")),
        ..TaskInfo::default()
    }
}

/// An executor of a framework.
pub(crate) fn executor(framework: &[u8], id: &[u8]) -> ExecutorInfo {
    ExecutorInfo {
        executor_id: ExecutorId { value: id.to_vec() },
        framework_id: Some(FrameworkId { value: framework.to_vec() }),
        command: Some(command(b"./executor")),
        ..ExecutorInfo::default()
    }
}

/// A command for the shell.
pub(crate) fn command(line: &[u8]) -> CommandInfo {
    CommandInfo { value: Some(line.to_vec()), ..CommandInfo::default() }
}

/// A container of the host.
pub(crate) fn container_config() -> ContainerConfig {
    ContainerConfig {
        directory: b"/sandbox".to_vec(),
        command_info: command(b"sleep 1"),
        ..ContainerConfig::default()
    }
}

/// A container id, outermost parent first.
pub(crate) fn container_id(parts: &[&[u8]]) -> Vec<u8> {
    let chain = parts.iter().fold(None, |parent: Option<Box<ContainerId>>, part| {
        Some(Box::new(ContainerId { value: part.to_vec(), parent }))
    });
    encode(&*chain.expect("a container id has a part"))
}

/// A container that survived the agent.
pub(crate) fn container_state(id: &[u8], pid: u64) -> Vec<u8> {
    let container_id = ContainerId { value: id.to_vec(), parent: None };
    encode(&ContainerState {
        container_id,
        pid,
        directory: b"/sandbox".to_vec(),
        ..ContainerState::default()
    })
}

/// Filters with a refusal time.
pub(crate) fn filters(seconds: f64) -> Vec<u8> {
    encode(&Filters { refuse_seconds: Some(seconds) })
}

/// A weight of a role.
pub(crate) fn weight(role: &[u8], weight: f64) -> Vec<u8> {
    encode(&WeightInfo { role: Some(role.to_vec()), weight })
}

/// A maintenance window for good.
pub(crate) fn unavailability(start: i64) -> Vec<u8> {
    encode(&Unavailability { start: TimeInfo { nanoseconds: start }, duration: None })
}

/// A status of a task that runs.
pub(crate) fn task_status() -> Vec<u8> {
    encode(&TaskStatus { state: TaskStatus::TASK_RUNNING, ..TaskStatus::default() })
}

/// Name and value of each variable.
pub(crate) fn variables(environment: Option<Environment>) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let variables = environment.map(|environment| environment.variables).unwrap_or_default();
    variables.into_iter().map(|one| (text(one.name), text(one.value.unwrap_or_default()))).collect()
}

/// The same resource, lent.
pub(crate) fn lent(resource: &[u8]) -> Vec<u8> {
    [resource, &field(9, b"")].concat()
}

/// What one executor with one task has, as the agent reports it.
pub(crate) fn executor_usage(
    id: &[u8],
    resources: &[Vec<u8>],
    task_labels: &[(&[u8], &[u8])],
) -> ExecutorUsage {
    let task = TaskUsage {
        name: b"task".to_vec(),
        id: TaskId { value: [b"task of ", id].concat() },
        resources: resources.to_vec(),
        labels: Some(labels(task_labels)),
    };
    ExecutorUsage {
        executor_info: executor(b"f", id),
        allocated: resources.to_vec(),
        container_id: ContainerId { value: [b"c-", id].concat(), parent: None },
        tasks: vec![task],
        ..ExecutorUsage::default()
    }
}

/// An agent of four cpus with these executors, serialised.
pub(crate) fn usage(executors: Vec<ExecutorUsage>) -> Vec<u8> {
    encode(&ResourceUsage { executors, total: vec![scalar(b"cpus", 4.0)] })
}

/// An owner with three cpus and a borrower with two, on four.
pub(crate) fn overcommitted_usage() -> Vec<u8> {
    let owner = allocated(&scalar(b"cpus", 3.0), b"prod");
    let borrower = lent(&allocated(&scalar(b"cpus", 2.0), b"batch"));
    usage(vec![executor_usage(b"owner", &[owner], &[]), executor_usage(b"borrower", &[borrower], &[])])
}
