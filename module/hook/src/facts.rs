//! What the host's messages say, as facts for templates. Text that is not UTF-8 is shown with replacement characters.

use std::collections::BTreeMap;

use apportion_policy::{AgentFacts, ExecutorFacts, FrameworkFacts, TaskFacts, text, text_map};
use apportion_wire::Value;
use apportion_wire::messages::{
    AgentInfo, Attribute, CommandInfo, ExecutorInfo, FrameworkId, FrameworkInfo, RawLabels, TaskInfo,
};
use apportion_wire::resource::outline;

/// Optional text.
fn maybe(bytes: Option<&Vec<u8>>) -> Option<String> {
    bytes.map(|bytes| text(bytes))
}

/// Labels by key; what cannot be read is left out, as templates have nowhere to say so.
fn labels(raw: Option<&RawLabels>) -> Option<BTreeMap<String, String>> {
    let list = raw.map(RawLabels::read)?.ok()?;
    Some(text_map(list.iter().map(|label| (label.key, label.value.unwrap_or_default()))))
}

/// Amounts by resource name: scalars of one name are added up, ranges and sets are listed. What cannot be read is left
/// out.
pub fn resources(raw: &[Vec<u8>]) -> BTreeMap<String, String> {
    let mut scalars: BTreeMap<String, i64> = BTreeMap::new();
    let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for resource in raw {
        let Ok(resource) = outline(resource) else { continue };
        let name = text(resource.name);
        match resource.value {
            Value::Scalar(amount) => {
                let sum = scalars.entry(name).or_default();
                *sum = sum.saturating_add(amount.thousandths());
            }
            Value::Ranges(ranges) => {
                others
                    .entry(name)
                    .or_default()
                    .extend(ranges.iter().map(|r| format!("{}-{}", r.begin, r.end)));
            }
            Value::Set(items) => others.entry(name).or_default().extend(items.iter().map(|item| text(item))),
        }
    }
    let scalars = scalars.into_iter().map(|(name, thousandths)| (name, decimal(thousandths)));
    scalars.chain(others.into_iter().map(|(name, parts)| (name, parts.join(",")))).collect()
}

/// Thousandths as a number without trailing zeros.
fn decimal(thousandths: i64) -> String {
    let (whole, rest) = (thousandths / 1000, (thousandths % 1000).abs());
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:03}").trim_end_matches('0').to_owned()
}

/// What a command runs.
pub fn command(info: Option<&CommandInfo>) -> Option<String> {
    maybe(info?.value.as_ref())
}

/// An attribute's value as Mesos prints it.
pub(crate) fn attribute(attribute: &Attribute) -> String {
    if let Some(value) = &attribute.text {
        return text(&value.value);
    }
    if let Some(scalar) = &attribute.scalar {
        return scalar.value.to_string();
    }
    if let Some(ranges) = &attribute.ranges {
        let parts: Vec<String> = ranges.range.iter().map(|r| format!("{}-{}", r.begin, r.end)).collect();
        return parts.join(",");
    }
    let items = attribute.set.as_ref().map(|set| set.item.as_slice()).unwrap_or_default();
    items.iter().map(|item| text(item)).collect::<Vec<_>>().join(",")
}

/// A framework that is known completely.
pub(crate) fn framework(info: &FrameworkInfo, role: Option<&[u8]>) -> FrameworkFacts {
    let roles = info.all_roles();
    // With several roles the one that the resources at hand are allocated to is meant.
    let role = role.or(if roles.len() == 1 { roles.first().copied() } else { None });
    FrameworkFacts {
        id: info.id.as_ref().map(|id| text(&id.value)),
        name: Some(text(&info.name)),
        user: Some(text(&info.user)),
        principal: maybe(info.principal.as_ref()),
        role: role.map(text),
        hostname: maybe(info.hostname.as_ref()),
        labels: Some(labels(info.labels.as_ref()).unwrap_or_default()),
    }
}

/// A framework of which only the id is known here.
pub(crate) fn framework_id(id: &FrameworkId) -> FrameworkFacts {
    FrameworkFacts { id: Some(text(&id.value)), ..FrameworkFacts::default() }
}

/// The role that resources are allocated to: that of the first that names one.
pub(crate) fn allocation_role(resources: &[Vec<u8>]) -> Option<Vec<u8>> {
    resources.iter().find_map(|resource| Some(outline(resource).ok()?.allocation_role?.to_vec()))
}

/// A task.
pub fn task(info: &TaskInfo) -> TaskFacts {
    TaskFacts {
        id: Some(text(&info.task_id.value)),
        name: Some(text(&info.name)),
        labels: Some(labels(info.labels.as_ref()).unwrap_or_default()),
        resources: Some(resources(&info.resources)),
    }
}

/// An executor.
pub(crate) fn executor(info: &ExecutorInfo) -> ExecutorFacts {
    ExecutorFacts {
        id: Some(text(&info.executor_id.value)),
        name: maybe(info.name.as_ref()),
        source: maybe(info.source.as_ref()),
        command: command(info.command.as_ref()),
        labels: Some(labels(info.labels.as_ref()).unwrap_or_default()),
        resources: Some(resources(&info.resources)),
    }
}

/// An agent.
pub(crate) fn agent(info: &AgentInfo) -> AgentFacts {
    let attributes = info.attributes.iter().map(|one| (text(&one.name), attribute(one)));
    AgentFacts {
        id: info.id.as_ref().map(|id| text(&id.value)),
        hostname: Some(text(&info.hostname)),
        attributes: Some(attributes.collect()),
        resources: Some(resources(&info.resources)),
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn thousandths_print_without_trailing_zeros() {
        assert_eq!(decimal(2_500), "2.5");
        assert_eq!(decimal(4_000), "4");
        assert_eq!(decimal(1), "0.001");
    }
}
