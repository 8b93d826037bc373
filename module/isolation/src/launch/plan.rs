//! From settings to what Mesos is asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::abilities::{AgentLauncher, LaunchAbilities};
use super::command::{CommandLine, is_passed_on_by_shells};
use super::mount_table::MountTable;
use super::mounts::{self, Files, Mount};
use super::refusal::LaunchRefusal;
use super::seccomp::SeccompProfile;
use super::{Capability, LaunchSettings, MESOS_LAST};
use crate::rlimit::Rlimit;

/// How a container runs what it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaunchKind {
    /// Mesos' command executor, which starts the task's command itself.
    CommandTask,
    /// An executor, or a nested or standalone container: its own command.
    Own,
    /// A command for looking into another container, whose mounts it shares.
    Debug,
}

/// A container about to be launched, as far as its settings depend on it. Texts are the host's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchCase {
    /// How it runs its command.
    pub kind: LaunchKind,
    /// The command; of a command task the task's own.
    pub command: CommandLine,
    /// Names of the variables that the command brings.
    pub variables: Vec<Vec<u8>>,
    /// Operating system user; none is the agent's.
    pub user: Option<String>,
    /// Root of its image, if it has one.
    pub rootfs: Option<PathBuf>,
    /// Its sandbox on the host.
    pub sandbox: PathBuf,
    /// Whether it asks for resource limits itself.
    pub asks_for_rlimits: bool,
}

/// Which processes capabilities are set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapabilityHolder {
    /// The container's first process, which hands them on.
    FirstProcess,
    /// The task of a command executor that needs its own to enter the task's image.
    Task,
}

/// Capabilities as Mesos takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapabilityPlan {
    /// For which processes.
    pub holder: CapabilityHolder,
    /// Those that processes have; root has all of the bounding set.
    pub effective: Option<BTreeSet<Capability>>,
    /// Those that processes can get at most.
    pub bounding: BTreeSet<Capability>,
}

/// What Mesos is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LaunchPlan {
    /// Resource limits.
    pub rlimits: Vec<Rlimit>,
    /// Whether programs cannot gain privileges.
    pub no_new_privileges: bool,
    /// Filter for system calls.
    pub seccomp: Option<SeccompProfile>,
    /// Capabilities.
    pub capabilities: Option<CapabilityPlan>,
    /// Mounts, in their order. They want a mount namespace of the container's own.
    pub mounts: Vec<Mount>,
    /// Whether it enters the mount namespace of the container it looks into.
    pub enters_mounts: bool,
    /// The command to run instead.
    pub command: Option<CommandLine>,
}

impl LaunchSettings {
    /// What Mesos is to be asked for, so that a container gets these settings on this host.
    ///
    /// Looks at files of the container for the paths of `read_only` and `tmpfs`, and reads the seccomp profile.
    ///
    /// # Errors
    ///
    /// A setting cannot be had: the container must not be launched without it.
    pub fn plan(&self, case: &LaunchCase, abilities: &LaunchAbilities) -> Result<LaunchPlan, LaunchRefusal> {
        Ok(LaunchPlan {
            rlimits: self.plan_rlimits(case, abilities)?,
            // Forbidding is for ever: the kernel knows no way back, and Mesos fails when told to allow.
            no_new_privileges: self.no_new_privileges == Some(true),
            seccomp: self.plan_seccomp(abilities)?,
            capabilities: self.plan_capabilities(case, abilities)?,
            mounts: self.plan_mounts(case, abilities)?,
            // Mesos lets it share mounts by itself only where it has an isolator for file systems.
            enters_mounts: case.kind == LaunchKind::Debug
                && self.wants_mounts().is_some()
                && abilities.launcher == AgentLauncher::Linux,
            command: self.umask.map(|umask| command(umask, case)).transpose()?,
        })
    }

    fn plan_rlimits(
        &self,
        case: &LaunchCase,
        abilities: &LaunchAbilities,
    ) -> Result<Vec<Rlimit>, LaunchRefusal> {
        if !self.rlimits.is_empty() && case.asks_for_rlimits {
            not_also(abilities, "rlimits", "posix/rlimits")?;
        }
        Ok(self.rlimits.clone())
    }

    fn plan_seccomp(&self, abilities: &LaunchAbilities) -> Result<Option<SeccompProfile>, LaunchRefusal> {
        let Some(path) = &self.seccomp else {
            return Ok(None);
        };
        not_also(abilities, "seccomp", "linux/seccomp")?;
        kernel_is_known(abilities, "seccomp")?;
        let read = SeccompProfile::read(path, &abilities.machine);
        read.map(Some).map_err(|error| LaunchRefusal::Seccomp { path: path.clone(), error })
    }

    fn plan_capabilities(
        &self,
        case: &LaunchCase,
        abilities: &LaunchAbilities,
    ) -> Result<Option<CapabilityPlan>, LaunchRefusal> {
        let effective = self.effective_capabilities.as_ref();
        let Some(bounding) = self.bounding_capabilities.as_ref().or(effective) else {
            return Ok(None);
        };
        not_also(abilities, "capabilities", "linux/capabilities")?;
        kernel_is_known(abilities, "capabilities")?;
        for (set, capabilities) in [("effective", effective), ("bounding", Some(bounding))] {
            let newer = capabilities.into_iter().flatten().find(|one| one.mesos_number().is_none());
            if let Some(&capability) = newer {
                return Err(LaunchRefusal::UnknownToMesos { set, capability });
            }
        }
        if let Some(&capability) = effective.into_iter().flatten().find(|one| !bounding.contains(one)) {
            return Err(LaunchRefusal::BeyondBound { capability });
        }
        let user = case.user.as_deref().filter(|user| *user != "root");
        if let (Some(user), false) = (user, abilities.full_bounding_set) {
            return Err(LaunchRefusal::LimitedAgent { user: user.to_owned() });
        }
        // The command executor enters the image of its task and needs its privileges for that.
        let holder = match case.kind {
            LaunchKind::CommandTask if case.rootfs.is_some() => CapabilityHolder::Task,
            _ => CapabilityHolder::FirstProcess,
        };
        Ok(Some(CapabilityPlan { holder, effective: effective.cloned(), bounding: bounding.clone() }))
    }

    /// The first setting that needs mounts.
    fn wants_mounts(&self) -> Option<&'static str> {
        let read_only = (!self.read_only.is_empty()).then_some("read_only");
        read_only.or_else(|| (!self.tmpfs.is_empty()).then_some("tmpfs"))
    }

    fn plan_mounts(
        &self,
        case: &LaunchCase,
        abilities: &LaunchAbilities,
    ) -> Result<Vec<Mount>, LaunchRefusal> {
        // A look into another container enters its mount namespace, with the mounts of that one.
        let Some(setting) = self.wants_mounts().filter(|_| case.kind != LaunchKind::Debug) else {
            return Ok(Vec::new());
        };
        if abilities.launcher != AgentLauncher::Linux {
            let launcher = abilities.launcher.to_string();
            return Err(LaunchRefusal::NoMountNamespace { setting, launcher });
        }
        let table = MountTable::read().map_err(|error| LaunchRefusal::UnreadablePath {
            setting,
            path: "/proc/self/mountinfo".to_owned(),
            reason: error.to_string(),
        })?;
        let sandbox = match &case.rootfs {
            Some(rootfs) => rootfs.join(abilities.sandbox_in_images.trim_start_matches('/')),
            None => fs::canonicalize(&case.sandbox).unwrap_or_else(|_| case.sandbox.clone()),
        };
        let files = Files { rootfs: case.rootfs.as_deref(), sandbox: &sandbox };
        mounts::plan(&self.read_only, &self.tmpfs, files, &table)
    }
}

/// Mesos merges what several isolators say: lists are put together, which makes a filter weaker.
fn not_also(
    abilities: &LaunchAbilities,
    setting: &'static str,
    isolator: &'static str,
) -> Result<(), LaunchRefusal> {
    if abilities.isolators.contains(isolator) {
        return Err(LaunchRefusal::SetTwice { setting, isolator });
    }
    Ok(())
}

/// The launch program of Mesos 1.11.0 ends itself when it looks at capabilities on a kernel that has more than it knows.
fn kernel_is_known(abilities: &LaunchAbilities, setting: &'static str) -> Result<(), LaunchRefusal> {
    let last = abilities.last_capability;
    if last > MESOS_LAST { Err(LaunchRefusal::NewKernel { setting, last }) } else { Ok(()) }
}

fn command(umask: u32, case: &LaunchCase) -> Result<CommandLine, LaunchRefusal> {
    let wrapped = case.command.with_umask(umask)?;
    if case.command.shell {
        return Ok(wrapped);
    }
    let refuse = |reason| Err(LaunchRefusal::Umask { reason });
    if let Some(rootfs) = &case.rootfs
        && !mounts::exists_inside(rootfs, Path::new("/bin/sh"))
    {
        return refuse("there is no /bin/sh in its image, which would have to set it".to_owned());
    }
    if let Some(name) = case.variables.iter().find(|name| !is_passed_on_by_shells(name)) {
        let name = String::from_utf8_lossy(name);
        return refuse(format!("a shell would drop its variable {name}; rename it, or use a shell command"));
    }
    Ok(wrapped)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
