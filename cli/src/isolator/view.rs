//! What there is to say about a host. Pure but for the kernel, which tests replace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use apportion_cgroups::{
    Abilities, Ability, Base, Controller, Finding, GroupError, Hierarchy, Kernel, Layout, Mount, Pid, Place,
    Placement, Seen, Version, Wish,
};

use super::asked::{Asked, Verdict};

/// A host with regard to a wish.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Release of the kernel, if it tells.
    pub(super) kernel: Option<String>,
    /// `None` if no hierarchy is there.
    pub(super) layout: Option<Layout>,
    pub(super) controllers: Vec<ControllerRow>,
    pub(super) places: Vec<PlaceRow>,
    pub(super) settings: Vec<SettingRow>,
    pub(super) missing: Vec<Missing>,
}

/// One controller.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ControllerRow {
    pub(super) controller: Controller,
    pub(super) wanted: bool,
    /// Where it is; `None` if nowhere.
    pub(super) home: Option<Home>,
}

/// The hierarchy that has a controller.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) version: Version,
    pub(super) mount: PathBuf,
    /// The group looked from, as a path from the top; `None` if it is outside.
    pub(super) own: Option<PathBuf>,
}

/// Where containers' groups go in one hierarchy.
#[derive(Debug)]
pub(super) struct PlaceRow {
    pub(super) place: Place,
    /// Groups that are in the parent group; `None` if that is not there yet.
    pub(super) groups: Option<usize>,
}

/// One setting of the kernel.
#[derive(Debug)]
pub(super) struct SettingRow {
    pub(super) ability: Ability,
    pub(super) seen: Seen,
}

/// Something the host lacks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// A word for programs.
    pub(super) kind: &'static str,
    /// Whether no groups can be made because of it; else it is a risk.
    pub(super) fatal: bool,
    /// What, and the cure.
    pub(super) text: String,
}

impl View {
    /// Looks at a host, from where `pid` or else this process is, with regard to a place and to settings. Nothing is
    /// changed.
    pub(super) fn of(
        kernel: &dyn Kernel,
        root: &Path,
        pid: Option<Pid>,
        wish: &Wish,
        asked: &[Asked],
    ) -> View {
        let release = kernel.read(&root.join("proc/sys/kernel/osrelease")).ok();
        let release = release.map(|content| String::from_utf8_lossy(content.trim_ascii()).into_owned());
        let mut view = View { kernel: release, ..View::default() };
        match view.look(kernel, root, pid, wish) {
            // Controllers that are missing have been told.
            Ok(Some(abilities)) if view.is_good() => view.judge(asked, &abilities),
            Ok(_) => {}
            Err(error) => {
                view.missing.push(Missing { kind: "unusable", fatal: true, text: error.to_string() });
            }
        }
        view
    }

    /// What is there; `None` if there is no place to look at.
    fn look(
        &mut self,
        kernel: &dyn Kernel,
        root: &Path,
        pid: Option<Pid>,
        wish: &Wish,
    ) -> Result<Option<Abilities>, GroupError> {
        let hierarchy = match pid {
            Some(pid) => Hierarchy::detect_for(kernel, root, pid)?,
            None => Hierarchy::detect(kernel, root)?,
        };
        self.layout = Some(hierarchy.layout());
        self.controllers =
            Controller::CHOSEN.into_iter().map(|controller| row(&hierarchy, controller, wish)).collect();
        self.missing = without_base(&hierarchy, kernel, wish);
        if !self.is_good() {
            return Ok(None);
        }
        let Placement { places, findings } = hierarchy.place(kernel, wish)?;
        self.missing = findings.iter().map(Missing::of).collect();
        let settings = hierarchy.sight(kernel, wish)?;
        let abilities = Abilities::seen(&places, &settings);
        for place in places {
            let groups = kernel.child_groups(&place.parent).ok().map(|names| names.len());
            self.places.push(PlaceRow { place, groups });
        }
        self.settings = settings.into_iter().map(|(ability, seen)| SettingRow { ability, seen }).collect();
        Ok(Some(abilities))
    }

    /// Whether the kernel has what the configuration asks for. What a rule inherits is told once.
    fn judge(&mut self, asked: &[Asked], abilities: &Abilities) {
        let mut told = Vec::new();
        for asked in asked {
            let part = &asked.part;
            let verdict = asked.verdict(abilities);
            let findings = match &verdict {
                Verdict::Never(error) => vec![("limits", true, error.to_string())],
                Verdict::NotLimited(error) => {
                    vec![("limits", false, format!("containers with a limit of CPUs cannot start: {error}"))]
                }
                Verdict::Fine(settings) => {
                    settings.iter().map(|setting| ("no_effect", false, setting.to_string())).collect()
                }
            };
            for (kind, fatal, text) in findings {
                if !told.contains(&text) {
                    self.missing.push(Missing { kind, fatal, text: format!("{part}: {text}") });
                    told.push(text);
                }
            }
        }
    }

    /// Whether containers' groups can be made.
    pub(super) fn is_good(&self) -> bool {
        self.missing.iter().all(|missing| !missing.fatal)
    }
}

/// The group to divide must be there in each hierarchy if it is named by its path.
fn without_base(hierarchy: &Hierarchy, kernel: &dyn Kernel, wish: &Wish) -> Vec<Missing> {
    let Base::At(path) = &wish.base else { return Vec::new() };
    let homes = wish.controllers.iter().filter_map(|controller| hierarchy.home(*controller));
    let bases: BTreeSet<PathBuf> =
        homes.map(|home| home.point.join(path.strip_prefix("/").unwrap_or(path))).collect();
    let missing = |base: PathBuf| {
        let is_there = kernel.has(&base).unwrap_or(true);
        let base = base.display();
        let text = format!(
            "there is no group {base}: mkdir -p {base}, or name another one as isolator.cgroups.below"
        );
        (!is_there).then_some(Missing { kind: "no_base", fatal: true, text })
    };
    bases.into_iter().filter_map(missing).collect()
}

fn row(hierarchy: &Hierarchy, controller: Controller, wish: &Wish) -> ControllerRow {
    let home = |mount: &Mount| Home {
        version: mount.version,
        mount: mount.point.clone(),
        own: mount.own.as_ref().map(|own| Path::new("/").join(own.strip_prefix(&mount.point).unwrap_or(own))),
    };
    ControllerRow {
        controller,
        wanted: wish.controllers.contains(&controller),
        home: hierarchy.home(controller).map(home),
    }
}

impl Missing {
    fn of(finding: &Finding) -> Missing {
        let kind = match finding {
            Finding::NotMounted { .. } => "not_mounted",
            Finding::NotHandedDown { .. } => "not_handed_down",
            Finding::NotDelegated { .. } => "not_delegated",
            Finding::ReadOnly { .. } => "read_only",
            Finding::Outside { .. } => "outside",
        };
        Missing { kind, fatal: finding.is_fatal(), text: finding.to_string() }
    }
}

impl SettingRow {
    /// Its name for programs and people.
    pub(super) fn name(&self) -> &'static str {
        match self.ability {
            Ability::CpuBandwidth => "cpu_bandwidth",
            Ability::CpuBurst => "cpu_burst",
            Ability::Swap => "swap",
            Ability::IoWeight => "io_weight",
            Ability::Kill => "kill",
            Ability::Pressure => "pressure",
        }
    }

    /// What it is for, a few words.
    pub(super) fn meaning(&self) -> &'static str {
        match self.ability {
            Ability::CpuBandwidth => "limit of CPU time",
            Ability::CpuBurst => "CPU time saved for later",
            Ability::Swap => "limit of swap space",
            Ability::IoWeight => "weight at block devices",
            Ability::Kill => "a whole group killed at once",
            Ability::Pressure => "pressure stall information",
        }
    }

    /// Whether it is there; `None` if that cannot be seen.
    pub(super) fn there(&self) -> Option<bool> {
        match self.seen {
            Seen::There(_) => Some(true),
            Seen::NotThere { .. } | Seen::NoController(_) | Seen::NotOnV1 => Some(false),
            Seen::Unclear => None,
        }
    }

    /// The file that shows it.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.seen {
            Seen::There(file) => Some(file),
            _ => None,
        }
    }

    /// Why it is not there, and what would bring it.
    pub(super) fn note(&self) -> Option<String> {
        match &self.seen {
            Seen::There(_) => None,
            Seen::NotThere { version, .. } => Some(self.ability.cure(*version).to_owned()),
            Seen::NoController(controller) => Some(format!("controller {controller} is nowhere")),
            Seen::NotOnV1 => Some("v1 does not have it".to_owned()),
            Seen::Unclear => Some(match self.ability.controller() {
                Some(controller) => {
                    format!("no group but the topmost one has controller {controller} so far")
                }
                None => "only the topmost group is there so far".to_owned(),
            }),
        }
    }
}
