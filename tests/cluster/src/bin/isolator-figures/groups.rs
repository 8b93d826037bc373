//! Groups for what is measured, and what is put into them.

use std::fs;
use std::process::{Child, Command, Stdio};

use apportion_cluster_tests::scenes::{Groups, Version, clear};
use apportion_config::Config;
use apportion_isolation::{Asked, Containers, Demand, Host};

use crate::Failure;

/// Controllers with a hierarchy on v1; on v2 all have the same.
const CONTROLLERS: [&str; 3] = ["cpu", "memory", "pids"];
/// Sleeping processes end by themselves, should this program be killed.
const SLEEP_SECONDS: &str = "900";

/// The folder of all containers of one measurement. Dropping it ends and removes what is left in it.
#[derive(Debug)]
pub(crate) struct Parent {
    name: String,
    groups: Groups,
}

impl Parent {
    pub(crate) fn named(part: &str) -> Parent {
        let name = format!("apportion-figures-{part}-{}", std::process::id());
        Parent { groups: Groups::here(&name), name }
    }

    pub(crate) fn version(&self) -> Version {
        self.groups.version()
    }

    /// A configuration with this folder; nothing else is configured.
    pub(crate) fn configuration(&self) -> String {
        format!("[isolator.cgroups]\nname = \"{}\"\n", self.name)
    }

    /// The isolator in this process, with groups in this folder.
    pub(crate) fn containers(&self) -> Result<Containers, Failure> {
        let settings = Config::from_text(&self.configuration())?.isolator.settings();
        Ok(Containers::open(settings, &Host::live())?)
    }

    /// Gives the folder the greatest weight, so that containers in it are not slowed down by other programs, which
    /// those without groups compete with one by one.
    pub(crate) fn outweigh(&self) -> Result<(), Failure> {
        let (file, weight) = match self.version() {
            Version::V1 => ("cpu.shares", "262144"),
            Version::V2 => ("cpu.weight", "10000"),
        };
        let path = self.groups.parent("cpu").join(file);
        fs::write(&path, weight).map_err(|error| format!("{weight} into {}: {error}", path.display()).into())
    }

    /// Removes the folder. Whatever is in it was to be removed by the isolator.
    pub(crate) fn end(self) -> Result<(), Failure> {
        let left = self.groups.left();
        if !left.is_empty() {
            return Err(format!("the isolator left {left:?}").into());
        }
        Ok(self.groups.remove_parent()?)
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        CONTROLLERS.iter().for_each(|controller| clear(&self.groups.parent(controller)));
    }
}

/// A container of a small task.
pub(crate) fn asked() -> Asked {
    let amounts = [(b"cpus".to_vec(), 0.1), (b"mem".to_vec(), 64.0)];
    Asked { demand: Demand { requests: amounts.into(), ..Demand::default() }, ..Asked::default() }
}

/// A process that does nothing. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Sleeper(Child);

impl Sleeper {
    pub(crate) fn start() -> Result<Sleeper, Failure> {
        let child = Command::new("sleep")
            .arg(SLEEP_SECONDS)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Ok(Sleeper(child.map_err(|error| format!("sleep could not be started: {error}"))?))
    }

    pub(crate) fn pid(&self) -> Result<i32, Failure> {
        Ok(i32::try_from(self.0.id())?)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
