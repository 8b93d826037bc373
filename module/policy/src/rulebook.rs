//! All rules, in their order, at the points where the host asks.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::amount::Amounts;
use crate::call::HookCall;
use crate::condition::TextField;
use crate::condition::Truth;
use crate::entries::{Change, Entries};
use crate::evaluation::truth;
use crate::faults::{FaultCounters, RuleFault};
use crate::index::Index;
use crate::outcome::{Decoration, Reactions, ResourceDecoration, RuleReport, RulesRefused};
use crate::parse_fault::{ParseFault, quoted};
use crate::point::{Effect, HookPoint};
use crate::rule::{Rule, RuleProblem};
use crate::scene::{Known, Scene};
use crate::work::Work;

/// The rules of a hook module.
///
/// Rules run in their order; each sees what the ones before it made of what is decorated. A rule of which a value
/// cannot be made is a fault: none of its actions at that point takes effect, the others go on. After
/// [`FAULTS_MAX`](crate::FAULTS_MAX) faults in a row it is off at that point.
///
/// Can be shared between threads; nothing is locked on the way except when a fault is noted. A call costs nothing for
/// rules whose condition names roles or tasks that are other ones.
///
/// ```
/// use apportion_policy::{Entries, HookCall, HookPoint, LabelActions, Rule, Rulebook, ValueSource};
///
/// let team = ("team".to_owned(), ValueSource::parse("payments", &[])?);
/// let labels = LabelActions { default: vec![team], ..LabelActions::default() };
/// let rules = Rulebook::new(vec![Rule { labels, ..Rule::named("team") }])?;
///
/// let there: Entries = [("tier", Some("front"))].into_iter().collect();
/// let decoration = rules.decorate(HookPoint::SlaveRunTaskLabels, &HookCall::default(), there);
/// assert_eq!(decoration.changes.len(), 1);
/// assert_eq!(decoration.entries.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Rulebook {
    rules: Vec<Kept>,
    /// One for each point, by [`HookPoint::index`].
    indexes: [Index; HookPoint::COUNT],
}

/// A rule and what became of it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) rule: Rule,
    pub(crate) faults: FaultCounters,
    hits: [AtomicU64; HookPoint::COUNT],
    fault_totals: [AtomicU64; HookPoint::COUNT],
    last_fault: Mutex<Option<(HookPoint, String)>>,
}

impl Rulebook {
    /// Rules in their order.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with any of them, or two with one name.
    pub fn new(rules: Vec<Rule>) -> Result<Rulebook, RulesRefused> {
        let mut problems = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            problems.extend(rule.problems().into_iter().map(|problem| (number, problem)));
            if rules[..number].iter().any(|earlier| earlier.name == rule.name) {
                let found = format!("the name {} for a second time", quoted(&rule.name));
                let fault = ParseFault::new(found, "a name that no rule before it has");
                problems.push((number, RuleProblem { place: "name".to_owned(), fault }));
            }
        }
        if !problems.is_empty() {
            return Err(RulesRefused { problems });
        }
        let mut indexes: [Index; HookPoint::COUNT] = Default::default();
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
            for point in rule.points() {
                indexes[point.index()].add(number, &rule.condition);
            }
        }
        let kept = |rule| Kept {
            rule,
            faults: FaultCounters::default(),
            hits: Default::default(),
            fault_totals: Default::default(),
            last_fault: Mutex::default(),
        };
        Ok(Rulebook { rules: rules.into_iter().map(kept).collect(), indexes })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether no rule acts at a point, so that a call there need not even be read.
    pub fn is_idle(&self, point: HookPoint) -> bool {
        self.indexes[point.index()].is_empty()
    }

    /// Files whose contents rules name, each once; whoever calls the rules reads them.
    pub fn files(&self) -> Vec<&str> {
        let mut files: Vec<&str> = self.rules.iter().flat_map(|kept| kept.rule.files()).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Those of the files that attributes of the agent are made of, each once: everyone can read these.
    pub fn published_files(&self) -> Vec<&str> {
        let attributes = self.rules.iter().flat_map(|kept| &kept.rule.agent.attributes);
        let mut files: Vec<&str> = attributes.filter_map(|(_, value)| value.file()).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Gives rules that were switched off another chance, if they name one of these files: it may be right now.
    pub fn retry_rules_of(&self, files: &[&str]) {
        for kept in self.rules.iter().filter(|kept| kept.rule.files().any(|file| files.contains(&file))) {
            kept.faults.reset();
        }
    }

    /// What rules make of variables, labels or attributes at a point where these are decorated; elsewhere they stay.
    pub fn decorate(&self, point: HookPoint, call: &HookCall, entries: Entries) -> Decoration {
        if matches!(point.effect(), Effect::TaskResources | Effect::AgentResources | Effect::Reaction) {
            return Decoration { entries, ..Decoration::default() };
        }
        let mut scene = Scene::new(point, call, entries.clone());
        let mut work = Work::default();
        let faults = self.run(&mut scene, &mut work);
        let changes = Change::between(&entries, scene.entries(), &work.touched);
        Decoration { entries: scene.entries().clone(), changes, faults }
    }

    /// What rules make of resources at a point where these are decorated; elsewhere they stay.
    ///
    /// No amount grows beyond `ceiling`, where one is given: what the task's offer, or its agent, could hold.
    pub fn resources(
        &self,
        point: HookPoint,
        call: &HookCall,
        amounts: Amounts,
        ceiling: Option<&Amounts>,
    ) -> ResourceDecoration {
        if !matches!(point.effect(), Effect::TaskResources | Effect::AgentResources) {
            return ResourceDecoration { amounts, ..ResourceDecoration::default() };
        }
        let mut scene = Scene::with_amounts(point, call, amounts);
        let mut work = Work { ceiling, ..Work::default() };
        let faults = self.run(&mut scene, &mut work);
        ResourceDecoration { amounts: scene.into_amounts(), changes: work.amounts, faults }
    }

    /// What rules want written and started for an event.
    pub fn react(&self, point: HookPoint, call: &HookCall) -> Reactions {
        if point.effect() != Effect::Reaction {
            return Reactions::default();
        }
        let mut scene = Scene::new(point, call, Entries::default());
        let mut work = Work::default();
        let faults = self.run(&mut scene, &mut work);
        Reactions { audits: work.audits, commands: work.commands, faults }
    }

    /// Tries the rules that the call can concern.
    fn run(&self, scene: &mut Scene<'_>, work: &mut Work<'_>) -> Vec<RuleFault> {
        let point = scene.point;
        let named = |field| match scene.text(field) {
            Known::Is(text) => Some(text),
            Known::Absent | Known::Unknown => None,
        };
        let (role, task) = (named(TextField::Role), named(TextField::Task));
        let mut faults = Vec::new();
        for number in self.indexes[point.index()].candidates(role, task) {
            let kept = &self.rules[number];
            if kept.faults.is_off(point) || truth(&kept.rule.condition, scene) != Truth::True {
                continue;
            }
            match work.apply(&kept.rule, scene) {
                Ok(()) => kept.note_hit(point),
                Err(reason) => faults.push(kept.note_fault(point, reason)),
            }
        }
        faults
    }

    pub(crate) fn kept(&self) -> &[Kept] {
        &self.rules
    }

    /// What became of each rule at each point where it acts, in their order.
    pub fn report(&self) -> Vec<RuleReport> {
        let of_rule = |kept: &Kept| {
            let last = kept.last_fault.lock().clone();
            let at = |point: HookPoint| RuleReport {
                rule: kept.rule.name.clone(),
                point,
                enabled: kept.rule.enabled,
                hits: kept.hits[point.index()].load(Ordering::Relaxed),
                faults: kept.fault_totals[point.index()].load(Ordering::Relaxed),
                switched_off: kept.faults.is_off(point),
                last_fault: last.as_ref().filter(|(at, _)| *at == point).map(|(_, reason)| reason.clone()),
            };
            kept.rule.points().into_iter().map(at).collect::<Vec<_>>()
        };
        self.rules.iter().flat_map(of_rule).collect()
    }
}

impl Kept {
    fn note_hit(&self, point: HookPoint) {
        self.faults.forgive(point);
        self.hits[point.index()].fetch_add(1, Ordering::Relaxed);
    }

    fn note_fault(&self, point: HookPoint, reason: String) -> RuleFault {
        let disabled = self.faults.count(point);
        self.fault_totals[point.index()].fetch_add(1, Ordering::Relaxed);
        *self.last_fault.lock() = Some((point, reason.clone()));
        RuleFault { rule: self.rule.name.clone(), point, reason, disabled }
    }
}
