//! A parent group for one scenario, and processes in groups below it. All of it is gone at the end.

use std::cell::RefCell;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use apportion_cgroups::{
    Base, Controller, GroupName, GroupPath, Groups, Hierarchy, Limits, LiveKernel, Patience, Pid, Placement,
    Plan, Shape, Wish,
};

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

pub(crate) struct Stage {
    pub(crate) groups: Groups,
    pub(crate) placement: Placement,
    children: RefCell<Vec<Child>>,
}

impl Stage {
    pub(crate) fn open(name: &str) -> Result<Stage, Box<dyn Error>> {
        let kernel = LiveKernel;
        let hierarchy = Hierarchy::detect(&kernel, Path::new("/"))?;
        let wish = Wish {
            base: Base::At("/".into()),
            name: GroupName::new(format!("apportion-live-{}-{name}", std::process::id()))?,
            controllers: Controller::ALL.into_iter().collect(),
        };
        let placement = hierarchy.place(&kernel, &wish)?;
        let groups = Groups::open(Arc::new(kernel), &placement, Patience::default())?;
        Ok(Stage { groups, placement, children: RefCell::default() })
    }

    /// A new group with settings.
    pub(crate) fn group(&self, name: &str, limits: &Limits) -> Result<GroupPath, Box<dyn Error>> {
        let path = GroupPath::root(name)?;
        self.groups.create(&path, Shape::Leaf)?;
        let plan = Plan::create(limits, &self.groups.abilities()?)?;
        self.groups.apply(&path, &plan)?;
        Ok(path)
    }

    /// Starts a process that does nothing before it is in the group.
    pub(crate) fn run(&self, path: &GroupPath, kind: &str, number: u32) -> Result<Pid, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["hog", kind, &number.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| {
                format!("cannot start this program again: {error}; it needs /proc and /dev/null")
            })?;
        let pid = Pid::new(child.id()).ok_or("a process without a number")?;
        let mut gate = child.stdin.take();
        self.children.borrow_mut().push(child);
        self.groups.add(path, pid)?;
        if let Some(gate) = &mut gate {
            gate.write_all(b"\n")?;
        }
        Ok(pid)
    }

    /// Whether a process did what it was to do.
    pub(crate) fn succeeds(&self, pid: Pid) -> Result<bool, Box<dyn Error>> {
        let mut children = self.children.borrow_mut();
        let child = children.iter_mut().find(|child| child.id() == pid.get()).ok_or("no such child")?;
        Ok(child.wait()?.success())
    }

    /// Takes in processes that ended, as an agent does with its children.
    pub(crate) fn reap(&self) {
        self.children.borrow_mut().retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
    }

    pub(crate) fn wait_for(&self, what: &str, holds: impl Fn() -> Result<bool, Box<dyn Error>>) -> Outcome {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            self.reap();
            if holds()? {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("waited a minute for: {what}").into())
    }

    /// The text of a setting.
    pub(crate) fn text(
        &self,
        path: &GroupPath,
        controller: Controller,
        file: &str,
    ) -> Result<String, Box<dyn Error>> {
        let folder = self.groups.folder(path, controller).ok_or("the controller has no place")?;
        Ok(std::fs::read_to_string(folder.join(file))?.trim().to_owned())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for found in self.groups.recover().unwrap_or_default() {
            let end = self.groups.kill(&found.path).and_then(|()| self.groups.destroy(&found.path));
            if let Err(error) = end {
                println!("    left behind: {error}");
            }
        }
        for child in self.children.get_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Err(error) = self.groups.close() {
            println!("    left behind: {error}");
        }
    }
}
