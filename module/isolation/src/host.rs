//! The host's control groups, opened once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apportion_cgroups::{
    Abilities, Claim, Controller, Found, GroupError, GroupName, GroupPath, Groups, Hierarchy, Kernel, Limits,
    LiveKernel, Patience, Plan, Shape,
};

use parking_lot::Mutex;

use crate::container_id::ContainerId;
use crate::cores::{Cores, Topology};
use crate::demand::Demand;
use crate::record::OwnGroup;
use crate::rules::ContainerRule;
use crate::settings::{GroupPolicy, GroupSettings, Settings};

/// Where groups are: the machine, or a model of one in tests.
#[derive(Debug, Clone)]
pub struct Host {
    /// Its system calls.
    pub kernel: Arc<dyn Kernel>,
    /// `/`, or another folder below which `proc` and the mount points are found.
    pub root: PathBuf,
}

impl Host {
    /// The machine this process runs on.
    pub fn live() -> Host {
        Host { kernel: Arc::new(LiveKernel), root: PathBuf::from("/") }
    }
}

/// How long a call of the host may wait for the kernel. What takes longer is done on a thread of ours.
const SHORT: Patience = Patience { attempts: 3, pause: Duration::from_millis(2) };

/// The groups of all containers of this agent.
#[derive(Debug)]
pub(crate) struct HostGroups {
    /// For calls of the host, which must not wait.
    pub(crate) quick: Groups,
    /// For our own thread.
    pub(crate) patient: Groups,
    pub(crate) abilities: Abilities,
    pub(crate) controllers: BTreeSet<Controller>,
    /// Who has which cores for himself; without the controller nobody has.
    pub(crate) cores: Option<Mutex<Cores>>,
    /// What the host lacks without being unusable, for the log.
    pub(crate) warnings: Vec<String>,
    _claim: Claim,
}

impl HostGroups {
    /// Looks at the host, makes the parent group and takes it for this process.
    ///
    /// # Errors
    ///
    /// Something is missing: the text names it and says what mends it.
    pub(crate) fn open(settings: &GroupSettings, host: &Host) -> Result<HostGroups, GroupError> {
        let hierarchy = Hierarchy::detect(&*host.kernel, &host.root)?;
        let mut wish = settings.wish.clone();
        // v1 accounts for CPU time in a hierarchy of its own, unless it is mounted together with that of the limits.
        if wish.controllers.contains(&Controller::Cpu) && hierarchy.home(Controller::CpuAccount).is_some() {
            wish.controllers.insert(Controller::CpuAccount);
        }
        let placement = hierarchy.place(&*host.kernel, &wish)?;
        let patient = Groups::open(Arc::clone(&host.kernel), &placement, Patience::default())?;
        let claim = patient.claim()?;
        let cores = match settings.wish.controllers.contains(&Controller::CpuSet) {
            true => Some(Mutex::new(cores(&patient, host)?)),
            false => None,
        };
        Ok(HostGroups {
            quick: patient.waiting(SHORT),
            abilities: patient.abilities()?,
            controllers: wish.controllers,
            cores,
            warnings: placement
                .findings
                .iter()
                .filter(|finding| !finding.is_fatal())
                .map(ToString::to_string)
                .collect(),
            patient,
            _claim: claim,
        })
    }

    /// Checks that the host has the settings of the configuration: an agent that finds out later would end containers,
    /// as the host does with those whose update fails. Settings that have no effect here are worth a warning.
    ///
    /// # Errors
    ///
    /// A setting that the host has not, with the rule that it is in and the cure.
    pub(crate) fn check(&mut self, settings: &Settings) -> Result<(), GroupError> {
        let Some(groups) = &settings.groups else { return Ok(()) };
        let of_rule = |rule: &ContainerRule| {
            let mut policy = groups.policy.clone();
            rule.limits.apply(&mut policy);
            (format!("rule {}", rule.name), policy)
        };
        let enabled = settings.rules.iter().filter(|rule| rule.enabled);
        let policies = std::iter::once(("isolator.limits".to_owned(), groups.policy.clone()));
        for (place, policy) in policies.chain(enabled.map(of_rule)) {
            let limits = Demand::default()
                .group_limits(&policy, &self.controllers)
                .map_err(|error| GroupError::Unusable(error.to_string()))?;
            let plan = Plan::create(&limits, &self.abilities)
                .map_err(|error| GroupError::Unusable(format!("{place}: {error}")))?;
            for unsupported in plan.unsupported {
                self.warnings.push(format!("{place}: {unsupported}"));
            }
        }
        Ok(())
    }

    /// Where the groups are, for the log.
    pub(crate) fn parents(&self) -> impl Iterator<Item = &Path> {
        self.patient.places().iter().map(|place| place.parent.as_path())
    }

    /// Makes a container's group with its settings. Nothing is left if it fails.
    pub(crate) fn create(
        &self,
        path: &GroupPath,
        shape: Shape,
        limits: &Limits,
    ) -> Result<Limits, GroupFault> {
        let plan = Plan::create(limits, &self.abilities)?;
        self.quick.create(path, shape)?;
        match self.quick.apply(path, &plan) {
            Ok(applied) => Ok(applied.limits),
            Err(error) => {
                // The first failure is the one to tell; what is left is found by recovery.
                let _ = self.quick.destroy(path);
                Err(error.into())
            }
        }
    }

    /// Changes the settings of a container's group. `known` are those it has.
    pub(crate) fn change(
        &self,
        path: &GroupPath,
        known: &Limits,
        wanted: &Limits,
    ) -> Result<Changed, GroupFault> {
        let old = known;
        let shrinks = wanted.memory.max < old.memory.max;
        let in_use = match shrinks {
            true => self.quick.usage(path)?.memory.map_or(0, |memory| memory.unreclaimable()),
            false => 0,
        };
        let plan = Plan::change(old, wanted, &self.abilities, in_use)?;
        let applied = self.quick.apply(path, &plan)?;
        let is_held = plan.held.is_some() || !applied.kept.is_empty();
        Ok(Changed { limits: applied.limits, is_held })
    }

    /// Settings that a group has: those that are remembered, else they are read back; of huge pages the sizes that the
    /// container's policy names.
    pub(crate) fn settings_of(&self, own: &OwnGroup, policy: &GroupPolicy) -> Result<Limits, GroupFault> {
        match &own.settings {
            Some(settings) => Ok(settings.clone()),
            None => {
                let sizes: Vec<_> = policy.hugepages.keys().cloned().collect();
                Ok(self.quick.settings(&own.path, &sizes)?)
            }
        }
    }

    /// Kills what is in a group and removes it, as long as a call of the host may take.
    pub(crate) fn end_quickly(&self, path: &GroupPath) -> Result<(), GroupError> {
        self.quick.kill(path)?;
        self.quick.destroy(path).map(drop)
    }

    /// The same, as long as the kernel needs.
    pub(crate) fn end_patiently(&self, path: &GroupPath) -> Result<(), GroupError> {
        self.patient.kill(path)?;
        self.patient.destroy(path).map(drop)
    }

    /// All groups that are there.
    pub(crate) fn found(&self) -> Result<Vec<Found>, GroupError> {
        self.patient.recover()
    }
}

/// The cores that containers may use.
fn cores(groups: &Groups, host: &Host) -> Result<Cores, GroupError> {
    let topology = Topology::read(&*host.kernel, &host.root, &groups.usable_cpus()?);
    let topology =
        topology.map_err(|reason| GroupError::Unusable(format!("cores cannot be given: {reason}")))?;
    Ok(Cores::new(topology))
}

/// What became of a change of settings.
#[derive(Debug)]
pub(crate) struct Changed {
    /// What the group has now.
    pub(crate) limits: Limits,
    /// Whether memory could not be taken away yet, because it is in use.
    pub(crate) is_held: bool,
}

/// Why a group could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GroupFault {
    #[error(transparent)]
    Group(#[from] GroupError),
    #[error(transparent)]
    Plan(#[from] apportion_cgroups::PlanError),
}

/// The group of a container: the chain of its ids.
pub(crate) fn group_of(id: &ContainerId) -> Result<GroupPath, apportion_cgroups::NameError> {
    GroupPath::new(id.parts().iter().map(GroupName::new).collect::<Result<_, _>>()?)
}

/// The container that a group is of.
pub(crate) fn container_of(path: &GroupPath) -> ContainerId {
    use std::os::unix::ffi::OsStrExt;
    let mut names = path.names().iter().map(|name| name.as_os_str().as_bytes().to_vec());
    let root = ContainerId::root(names.next().unwrap_or_default());
    names.fold(root, |id, name| id.child(name))
}
