//! Messages of Mesos from their JSON in the v1 API, as far as the recipes use it.

use apportion_wire::messages::{
    AgentId, AgentInfo, Attribute, Capability, CommandInfo, ContainerInfo, DockerInfo, Environment,
    FrameworkId, FrameworkInfo, LabelList, RawEnvironment, RawLabels, TaskId, TaskInfo, TextValue, decode,
    encode,
};
use apportion_wire::resource::ResourceParts;
use serde_json::Value;

/// A member that is text, as the host's bytes.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    value.as_str().map(|text| text.as_bytes().to_vec())
}

fn needed(value: &Value, what: &str) -> Vec<u8> {
    bytes(value).unwrap_or_else(|| panic!("{what} is missing"))
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Resources; `role` is the one they are allocated to, if they are.
pub(crate) fn resources(value: &Value, role: Option<&[u8]>) -> Vec<Vec<u8>> {
    let parts = apportion_wire::text::read(&value.to_string(), "*").unwrap();
    let allocated = |parts| ResourceParts { allocation_role: role.map(<[u8]>::to_vec), ..parts }.to_bytes();
    parts.into_iter().map(allocated).collect()
}

fn labels(value: &Value) -> Option<RawLabels> {
    let mut list = LabelList::default();
    for label in elements(value.get("labels")?) {
        list.push(&needed(&label["key"], "the key of a label"), bytes(&label["value"]).as_deref());
    }
    Some(raw_labels(&list))
}

/// Labels as they stand in other messages.
pub(crate) fn raw_labels(list: &LabelList) -> RawLabels {
    decode(&list.encode()).unwrap()
}

fn environment(value: &Value) -> Option<RawEnvironment> {
    let variables = elements(value.get("variables")?).map(|one| {
        (needed(&one["name"], "the name of a variable"), needed(&one["value"], "the value of a variable"))
    });
    let variables: Vec<(Vec<u8>, Vec<u8>)> = variables.collect();
    let pairs = variables.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
    Some(decode(&encode(&Environment::of(pairs))).unwrap())
}

/// A task whose resources are allocated to a role.
pub(crate) fn task(value: &Value, role: &[u8]) -> TaskInfo {
    let command = &value["command"];
    let container = value.get("container").map(|container| {
        assert_eq!(container["type"], "DOCKER", "the type of the container");
        let image = needed(&container["docker"]["image"], "the image");
        ContainerInfo {
            r#type: ContainerInfo::DOCKER,
            docker: Some(DockerInfo { image, ..DockerInfo::default() }),
            ..ContainerInfo::default()
        }
    });
    TaskInfo {
        name: needed(&value["name"], "the name of the task"),
        task_id: TaskId { value: needed(&value["task_id"]["value"], "the id of the task") },
        agent_id: AgentId { value: needed(&value["agent_id"]["value"], "the id of the agent") },
        resources: resources(&value["resources"], Some(role)),
        command: Some(CommandInfo {
            environment: environment(&command["environment"]),
            value: bytes(&command["value"]),
            ..CommandInfo::default()
        }),
        container,
        labels: labels(&value["labels"]),
        ..TaskInfo::default()
    }
}

/// A framework.
pub(crate) fn framework(value: &Value) -> FrameworkInfo {
    FrameworkInfo {
        user: needed(&value["user"], "the user of the framework"),
        name: needed(&value["name"], "the name of the framework"),
        id: Some(FrameworkId { value: needed(&value["id"]["value"], "the id of the framework") }),
        principal: bytes(&value["principal"]),
        roles: elements(&value["roles"]).filter_map(bytes).collect(),
        // Without it the host does not look at `roles`.
        capabilities: elements(&value["capabilities"])
            .map(|one| {
                assert_eq!(one["type"], "MULTI_ROLE", "the type of a capability");
                Capability { r#type: Some(Capability::MULTI_ROLE) }
            })
            .collect(),
        ..FrameworkInfo::default()
    }
}

/// An agent.
pub(crate) fn agent(value: &Value) -> AgentInfo {
    let attributes = elements(&value["attributes"]).map(|one| {
        let text = needed(&one["text"]["value"], "the text of an attribute");
        attribute(needed(&one["name"], "the name of an attribute"), text)
    });
    AgentInfo {
        hostname: needed(&value["hostname"], "the host name of the agent"),
        id: Some(AgentId { value: needed(&value["id"]["value"], "the id of the agent") }),
        resources: resources(&value["resources"], None),
        attributes: attributes.collect(),
        ..AgentInfo::default()
    }
}

/// An attribute that is text.
pub(crate) fn attribute(name: Vec<u8>, text: Vec<u8>) -> Attribute {
    Attribute { name, r#type: Attribute::TEXT, text: Some(TextValue { value: text }), ..Attribute::default() }
}
