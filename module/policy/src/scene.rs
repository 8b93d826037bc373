//! What a rule sees: the call, and what the rules before it made of it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use minijinja::Value;

use crate::amount::{Amount, Amounts};
use crate::call::{FileContents, HookCall};
use crate::condition::TextField;
use crate::context;
use crate::entries::{Entries, Text};
use crate::facts::{Facts, Root};
use crate::point::{Effect, HookPoint};
use crate::template::{Template, VALUE_BYTES_MAX};
use crate::value_source::ValueSource;

/// A fact, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known<T> {
    /// It is this.
    Is(T),
    /// It is known that there is none.
    Absent,
    /// Nobody knows here.
    Unknown,
}

impl<T> From<Option<T>> for Known<T> {
    /// What is not there is not known.
    fn from(fact: Option<T>) -> Known<T> {
        fact.map_or(Known::Unknown, Known::Is)
    }
}

/// The call and the state of what is decorated.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) point: HookPoint,
    call: &'a HookCall,
    /// Variables, labels or attributes as earlier rules left them; empty where none are decorated.
    entries: Entries,
    /// Resources as earlier rules left them, where resources are decorated.
    amounts: Option<Amounts>,
    /// Parts of the template context that were needed, by their root.
    parts: RefCell<BTreeMap<&'static str, Value>>,
}

impl<'a> Scene<'a> {
    /// A point where entries are decorated, or nothing.
    pub(crate) fn new(point: HookPoint, call: &'a HookCall, entries: Entries) -> Scene<'a> {
        Scene { point, call, entries, amounts: None, parts: RefCell::default() }
    }

    /// A point where resources are decorated.
    pub(crate) fn with_amounts(point: HookPoint, call: &'a HookCall, amounts: Amounts) -> Scene<'a> {
        Scene { amounts: Some(amounts), ..Scene::new(point, call, Entries::default()) }
    }

    pub(crate) fn facts(&self) -> &'a Facts {
        &self.call.facts
    }

    pub(crate) fn call(&self) -> &'a HookCall {
        self.call
    }

    pub(crate) fn entries(&self) -> &Entries {
        &self.entries
    }

    pub(crate) fn amounts(&self) -> Option<&Amounts> {
        self.amounts.as_ref()
    }

    /// The entries for a rule to change, until [`Scene::replace_entries`]. With `kept` they stay to be read as well,
    /// at the price of a copy.
    pub(crate) fn lend_entries(&mut self, kept: bool) -> Entries {
        if kept {
            return self.entries.clone();
        }
        self.forget_entries();
        std::mem::take(&mut self.entries)
    }

    /// Takes over what a rule made of the entries.
    pub(crate) fn replace_entries(&mut self, entries: Entries) {
        self.forget_entries();
        self.entries = entries;
    }

    /// Drops what the context has of the entries.
    fn forget_entries(&mut self) {
        let parts = self.parts.get_mut();
        parts.remove("env");
        parts.remove("task");
    }

    /// The resources as the rules left them.
    pub(crate) fn into_amounts(self) -> Amounts {
        self.amounts.unwrap_or_default()
    }

    /// Takes over what a rule made of the resources.
    pub(crate) fn replace_amounts(&mut self, amounts: Amounts) {
        self.amounts = Some(amounts);
    }

    /// The environment: as earlier rules left it, or of the task's or the executor's command.
    pub(crate) fn variables(&self) -> Option<&Entries> {
        match self.point.effect() {
            Effect::Environment => Some(&self.entries),
            _ => self.call.task_environment.as_ref().or(self.call.executor_environment.as_ref()),
        }
    }

    /// The value of a label: as earlier rules left it, or of the task or the executor.
    pub(crate) fn label(&self, key: &str) -> Known<&str> {
        if matches!(self.point.effect(), Effect::Labels | Effect::StatusLabels) {
            let there = self.entries.get(key);
            return there
                .map_or(Known::Absent, |entry| Known::Is(entry.value.as_deref().unwrap_or_default()));
        }
        let task = self.facts().task.as_ref().and_then(|task| task.labels.as_ref());
        let executor = || self.facts().executor.as_ref().and_then(|executor| executor.labels.as_ref());
        match task.or_else(executor) {
            Some(labels) => labels.get(key).map_or(Known::Absent, |value| Known::Is(value.as_str())),
            None => Known::Unknown,
        }
    }

    /// A fact that is one text.
    pub(crate) fn text(&self, field: TextField) -> Known<&'a str> {
        let facts = &self.call.facts;
        let framework = facts.framework.as_ref();
        let task = facts.task.as_ref();
        let executor = facts.executor.as_ref();
        // An optional field of something that is known otherwise is known not to be there.
        let optional = |value: Option<&'a str>, known: bool| match value {
            Some(value) => Known::Is(value),
            None if known => Known::Absent,
            None => Known::Unknown,
        };
        match field {
            TextField::Framework => framework.and_then(|part| part.name.as_deref()).into(),
            TextField::FrameworkId => framework.and_then(|part| part.id.as_deref()).into(),
            TextField::Principal => optional(
                framework.and_then(|part| part.principal.as_deref()),
                framework.is_some_and(|part| part.name.is_some()),
            ),
            TextField::User => {
                let container = facts.container.as_ref().and_then(|part| part.user.as_deref());
                // A command may name another user than its framework, root as well.
                let own = container.filter(|_| self.point == HookPoint::ContainerPrepare);
                own.or_else(|| framework.and_then(|part| part.user.as_deref())).into()
            }
            TextField::Role => framework.and_then(|part| part.role.as_deref()).into(),
            TextField::Task => task.and_then(|part| part.name.as_deref()).into(),
            TextField::TaskId => task.and_then(|part| part.id.as_deref()).into(),
            TextField::Executor => optional(
                executor.and_then(|part| part.name.as_deref()),
                executor.is_some_and(|part| part.id.is_some()),
            ),
            TextField::ExecutorId => executor.and_then(|part| part.id.as_deref()).into(),
            TextField::Hostname => facts.agent.as_ref().and_then(|part| part.hostname.as_deref()).into(),
            TextField::Image => optional(self.call.image.as_deref(), self.call.container_type.is_some()),
        }
    }

    /// What there is of a resource: an amount, or, of ports and sets, the text that lists them.
    pub(crate) fn resource(&self, name: &str) -> Known<Result<Amount, &'a str>> {
        let facts = self.facts();
        let map = match self.point {
            HookPoint::SlaveResources | HookPoint::SlaveAttributes | HookPoint::MasterSlaveLost => {
                facts.agent.as_ref().and_then(|agent| agent.resources.as_ref())
            }
            _ => {
                let container = facts.container.as_ref().and_then(|container| container.resources.as_ref());
                // A nested container has none of its own where it shares those of the one around it.
                let own =
                    container.filter(|own| self.point == HookPoint::ContainerPrepare && !own.is_empty());
                let task = facts.task.as_ref().and_then(|task| task.resources.as_ref());
                own.or(task)
                    .or_else(|| facts.executor.as_ref().and_then(|executor| executor.resources.as_ref()))
            }
        };
        match map {
            Some(map) => {
                map.get(name).map_or(Known::Absent, |text| Known::Is(Amount::read(text).ok_or(text)))
            }
            None => Known::Unknown,
        }
    }

    /// The value of a source.
    ///
    /// # Errors
    ///
    /// One sentence; it says nothing of what is in a file.
    pub(crate) fn value(&self, source: &ValueSource) -> Result<Text, String> {
        match source {
            ValueSource::Template(template) => self.rendered(template),
            ValueSource::File(path) => match self.call.host.files.get(path) {
                Some(FileContents::Text(text)) if text.len() > VALUE_BYTES_MAX => {
                    Err(format!("what is in {path} is longer than {VALUE_BYTES_MAX} bytes"))
                }
                Some(FileContents::Text(text)) => {
                    Ok(Text { text: text.clone(), secret: !self.call.host.published.contains(path) })
                }
                Some(FileContents::Unreadable(reason)) => Err(format!("{path} cannot be read: {reason}")),
                None => Err(format!("{path} has not been read")),
            },
        }
    }

    /// The value of a template.
    ///
    /// # Errors
    ///
    /// As [`Scene::value`].
    pub(crate) fn rendered(&self, template: &Template) -> Result<Text, String> {
        if let Some(text) = template.literal() {
            return Ok(Text { text, secret: false });
        }
        let secret = self.shows_secret(template);
        if let Some(text) = template.plain().and_then(|plain| plain.fill(|path| self.fact(path))) {
            return Ok(Text { text: text.into(), secret });
        }
        match template.render_with(&self.context_of(template)) {
            Ok(text) => Ok(Text { text: text.into(), secret }),
            // The engine's message could repeat it.
            Err(_) if secret => Err("a template with a value from a file cannot be rendered".to_owned()),
            Err(reason) => Err(reason),
        }
    }

    /// The fact of a path, if it is known and a text: what the engine would find in the context.
    fn fact(&self, path: &[Box<str>]) -> Option<&str> {
        let facts = self.facts();
        let mapped =
            |map: Option<&'a BTreeMap<String, String>>, name: &str| map?.get(name).map(String::as_str);
        match path {
            [root, name] => match &**root {
                "env" => value_in(self.variables()?, name),
                "host" => self.call.host.facts.get(&**name).map(String::as_str),
                "container" => match &**name {
                    "type" => self.call.container_type.map(|kind| kind.name()),
                    "image" => self.call.image.as_deref(),
                    _ => facts.container.as_ref()?.text(name),
                },
                "framework" => facts.framework.as_ref()?.text(name),
                "task" => facts.task.as_ref()?.text(name),
                "executor" => facts.executor.as_ref()?.text(name),
                "agent" => facts.agent.as_ref()?.text(name),
                _ => None,
            },
            [root, field, name] => match (&**root, &**field) {
                ("framework", "labels") => mapped(facts.framework.as_ref()?.labels.as_ref(), name),
                ("task", "labels") if self.point.effect() == Effect::Labels => value_in(&self.entries, name),
                ("task", "labels") => mapped(facts.task.as_ref()?.labels.as_ref(), name),
                ("task", "resources") => mapped(facts.task.as_ref()?.resources.as_ref(), name),
                ("task", "environment") => value_in(self.call.task_environment.as_ref()?, name),
                ("executor", "labels") => mapped(facts.executor.as_ref()?.labels.as_ref(), name),
                ("executor", "resources") => mapped(facts.executor.as_ref()?.resources.as_ref(), name),
                ("executor", "environment") => value_in(self.call.executor_environment.as_ref()?, name),
                ("agent", "attributes") => mapped(facts.agent.as_ref()?.attributes.as_ref(), name),
                ("agent", "resources") => mapped(facts.agent.as_ref()?.resources.as_ref(), name),
                ("agent", "environment") => self.call.host.environment.get(&**name).map(String::as_str),
                ("container", "resources") => mapped(facts.container.as_ref()?.resources.as_ref(), name),
                _ => None,
            },
            _ => None,
        }
    }

    /// The parts of the facts that a template names.
    fn context_of(&self, template: &Template) -> Value {
        let mut parts = self.parts.borrow_mut();
        let named = template.roots().iter().copied();
        context::of_parts(named.map(|root| {
            let value = parts.entry(root).or_insert_with(|| self.part(root));
            (root, value.clone())
        }))
    }

    fn part(&self, name: &str) -> Value {
        let environment = |entries: &Option<Entries>| ("environment", entries.as_ref().map(context::map_of));
        match name {
            "env" => return self.variables().map_or_else(context::unknown_map, context::map_of),
            "host" => return context::host(&self.call.host),
            _ => {}
        }
        let Some(root) = Root::named(name) else { return Value::UNDEFINED };
        let facts = self.facts();
        match name {
            "task" => {
                let so_far = (self.point.effect() == Effect::Labels).then(|| context::map_of(&self.entries));
                context::part(root, facts, [environment(&self.call.task_environment), ("labels", so_far)])
            }
            "executor" => context::part(root, facts, [environment(&self.call.executor_environment)]),
            "agent" => {
                let variables = context::host_environment(&self.call.host);
                context::part(root, facts, [("environment", Some(variables))])
            }
            "container" => {
                let kind = self.call.container_type.map(|kind| Value::from(kind.name()));
                let image = self.call.image.as_deref().map(Value::from);
                context::part(root, facts, [("type", kind), ("image", image)])
            }
            _ => context::part(root, facts, []),
        }
    }

    /// Whether a value that a template names came from a file.
    fn shows_secret(&self, template: &Template) -> bool {
        if !template.roots().iter().any(|root| ["env", "framework", "task", "executor"].contains(root)) {
            return false;
        }
        let maps = [
            "env",
            "task.labels",
            "task.environment",
            "executor.environment",
            "framework.labels",
            "executor.labels",
        ];
        let names = template.names();
        maps.into_iter().any(|map| {
            names.iter().any(|name| match name.strip_prefix(map) {
                // A name that is computed could be any.
                Some("") => !self.secrets_in(map).is_empty(),
                Some(rest) => rest.strip_prefix('.').is_some_and(|rest| {
                    self.secrets_in(map).into_iter().any(|secret| {
                        let behind = rest.strip_prefix(secret);
                        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with('.'))
                    })
                }),
                // Something above it, such as the whole task.
                None => {
                    let is_above = map.strip_prefix(&**name).is_some_and(|rest| rest.starts_with('.'));
                    is_above && !self.secrets_in(map).is_empty()
                }
            })
        })
    }

    /// Names in one of the maps of templates whose values came from a file.
    fn secrets_in(&self, map: &str) -> Vec<&str> {
        let entries = match map {
            "env" => self.variables(),
            "task.labels" if self.point.effect() == Effect::Labels => Some(&self.entries),
            "task.labels" | "framework.labels" | "executor.labels" => return self.secret_labels(map),
            "task.environment" => self.call.task_environment.as_ref(),
            "executor.environment" => self.call.executor_environment.as_ref(),
            _ => None,
        };
        let entries = entries.into_iter().flat_map(Entries::iter);
        entries.filter(|entry| entry.secret).map(|entry| &*entry.name).collect()
    }

    /// Labels among the facts that have what stands in a file. The host hands back without a mark what earlier rules made.
    fn secret_labels(&self, map: &str) -> Vec<&str> {
        let facts = self.facts();
        let labels = match map {
            "framework.labels" => facts.framework.as_ref().and_then(|part| part.labels.as_ref()),
            "executor.labels" => facts.executor.as_ref().and_then(|part| part.labels.as_ref()),
            _ => facts.task.as_ref().and_then(|part| part.labels.as_ref()),
        };
        let is_secret = |(_, value): &(&String, &String)| self.call.host.is_secret(value);
        labels.into_iter().flatten().filter(is_secret).map(|(key, _)| key.as_str()).collect()
    }
}

/// The value of the first entry of a name, if it has one.
fn value_in<'e>(entries: &'e Entries, name: &str) -> Option<&'e str> {
    entries.get(name)?.value.as_deref()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::call::HostFacts;
    use crate::condition::ContainerType;
    use crate::facts::{FURTHER_FACTS, ROOTS};

    /// Every path that a template can name: fields, and two names of each map.
    fn paths() -> Vec<String> {
        let mut paths = Vec::new();
        let mut add = |path: String, is_map: bool| match is_map {
            true => paths.extend([format!("{path}.there"), format!("{path}['not there']")]),
            false => paths.push(path),
        };
        for root in &ROOTS {
            for field in root.fields {
                add(format!("{}.{}", root.name, field.name), field.map);
            }
        }
        for fact in FURTHER_FACTS.iter().filter(|fact| fact.name != "host") {
            add(fact.name.to_owned(), fact.map);
        }
        // Its names are known.
        paths.extend(["host.cloud", "host.gpus", "host['gpus']"].map(str::to_owned));
        paths
    }

    fn call(known: &[bool]) -> HookCall {
        let mut known = known.iter().copied().cycle();
        let mut text = |value: &str| known.next().unwrap_or(true).then(|| value.to_owned());
        let mut map = |value: &str| text(value).map(|value| BTreeMap::from([("there".to_owned(), value)]));
        let labels = [map("framework label"), map("task label"), map("executor label")];
        let [framework_labels, task_labels, executor_labels] = labels;
        let [task, executor, agent, container] = ["1", "2", "3", "4"].map(&mut map);
        let attributes = map("r1");
        let mut part = |value: &str| text(value).is_some();
        let (has_framework, has_task, has_container) = (part("f"), part("t"), part("c"));
        let framework = crate::facts::FrameworkFacts {
            id: text("f"),
            name: text("marathon"),
            user: text("web"),
            principal: text("ops"),
            role: text("prod"),
            hostname: text("h"),
            labels: framework_labels,
        };
        let task = crate::facts::TaskFacts {
            id: text("t"),
            name: text("{{ web }}"),
            labels: task_labels,
            resources: task,
        };
        let executor = crate::facts::ExecutorFacts {
            id: text("e"),
            name: text("x"),
            source: text("s"),
            command: text("run"),
            labels: executor_labels,
            resources: executor,
        };
        let agent =
            crate::facts::AgentFacts { id: text("a"), hostname: text("host"), attributes, resources: agent };
        let container = crate::facts::ContainerFacts {
            id: text("c"),
            parent: text("p"),
            user: text("u"),
            directory: text("d"),
            rootfs: text("r"),
            class: text("DEBUG"),
            command: text("c"),
            resources: container,
        };
        let entries =
            |value: &str| -> Entries { [("there", Some(value)), ("none", None)].into_iter().collect() };
        let there = BTreeMap::from([("there".to_owned(), "of the host".to_owned())]);
        HookCall {
            facts: Facts {
                framework: has_framework.then_some(framework),
                task: has_task.then_some(task),
                executor: Some(executor),
                agent: Some(agent),
                container: has_container.then_some(container),
            },
            container_type: has_container.then_some(ContainerType::Docker),
            image: text("image"),
            task_environment: text("").map(|_| entries("task")),
            executor_environment: text("").map(|_| entries("executor")),
            host: std::sync::Arc::new(HostFacts {
                facts: there.values().map(|value| ("cloud".to_owned(), value.clone())).collect(),
                environment: there,
                ..HostFacts::default()
            }),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn plain_templates_are_what_the_engine_makes_of_them(
            known in prop::collection::vec(any::<bool>(), 1..40),
            point in prop::sample::select(HookPoint::HOOKS.to_vec()),
            decorated in prop::sample::select(vec![Some("decorated"), None]),
        ) {
            let call = call(&known);
            let entries: Entries = [("there", decorated)].into_iter().collect();
            let scene = Scene::new(point, &call, entries);
            let facts = HookPoint::facts_at(&HookPoint::HOOKS);
            for path in paths() {
                let source = format!("<{{{{ {path} }}}}>");
                let template = Template::compile(&source, &facts).expect("a known path");
                let plain = template.plain().expect("plain").fill(|path| scene.fact(path));
                let engine = template.render_with(&scene.context_of(&template));
                // Where the first knows nothing the second is asked.
                prop_assert_eq!(plain.is_some(), engine.is_ok(), "{} at {:?}", path, point);
                if let Some(plain) = plain {
                    prop_assert_eq!(Ok(plain), engine, "{} at {:?}", path, point);
                }
            }
        }
    }
}
