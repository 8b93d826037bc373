//! What runs inside the groups: this same program with the word `hog`.

use std::error::Error;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use apportion_cgroups::{
    Base, Bound, Controller, GroupError, GroupName, GroupPath, Groups, Hierarchy, Limits, LiveKernel,
    Patience, Pid, Plan, Shape, Version, Wish,
};

/// Waits for a byte or the end of its input, so that it is in its group before it does anything; then does one thing.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let mut gate = [0_u8; 1];
    let _ = std::io::stdin().read(&mut gate);
    let number = arguments.get(1).and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    match arguments.first().map(String::as_str) {
        Some("spin") => loop {
            std::hint::spin_loop();
        },
        Some("memory") => {
            let mut kept = Vec::new();
            for _ in 0..number {
                kept.push(vec![1_u8; 1 << 20]);
            }
            rest(&kept)
        }
        Some("fork") => rest(&(0..number).map(|_| spawn("sleep").is_ok()).collect::<Vec<_>>()),
        Some("bomb") => loop {
            let _ = spawn("bomb");
        },
        Some("sleep") => rest(&()),
        Some("agent") => match agent() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("    {error}");
                ExitCode::FAILURE
            }
        },
        _ => ExitCode::FAILURE,
    }
}

/// Divides the group it is in, twice as after a restart, and cleans up.
fn agent() -> Result<(), Box<dyn Error>> {
    let kernel = Arc::new(LiveKernel);
    let wish = Wish {
        base: Base::Own,
        name: GroupName::new("containers")?,
        controllers: Controller::ALL.into_iter().collect(),
    };
    let mut parents = Vec::new();
    for _ in 0..2 {
        let placement = Hierarchy::detect(&*kernel, Path::new("/"))?.place(&*kernel, &wish)?;
        if !placement.findings.is_empty() {
            return Err(format!("unexpected findings: {:?}", placement.findings).into());
        }
        let groups = Groups::open(kernel.clone(), &placement, Patience::default())?;
        parents.push(groups.places().iter().map(|place| place.parent.clone()).collect::<Vec<_>>());
        let path = GroupPath::root("a")?;
        groups.create(&path, Shape::Leaf)?;
        let limits = Limits { pids: Bound::At(9), ..Limits::default() };
        groups.apply(&path, &Plan::create(&limits, &groups.abilities()?)?)?;
        groups.add(&path, Pid::own())?;
        let error = groups.kill(&path).err().ok_or("it killed itself, and lives")?;
        if !matches!(error, GroupError::OwnProcess { .. }) {
            return Err(error.into());
        }
        // Back to where it was moved, so that the group can go.
        for place in groups.places() {
            let home = if place.version == Version::V2 { place.agent() } else { place.base.clone() };
            std::fs::write(home.join("cgroup.procs"), "0")?;
        }
        groups.destroy(&path)?;
        groups.close()?;
    }
    let same = parents.first() == parents.last();
    let inside =
        parents.iter().flatten().all(|parent| parent.ends_with("container-agent.service/containers"));
    if same && inside { Ok(()) } else { Err(format!("unexpected places: {parents:?}").into()) }
}

fn spawn(kind: &str) -> std::io::Result<std::process::Child> {
    let program = std::env::current_exe()?;
    Command::new(program)
        .args(["hog", kind])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

fn rest<T>(kept: &T) -> ! {
    loop {
        std::hint::black_box(kept);
        std::thread::sleep(Duration::from_secs(1));
    }
}
