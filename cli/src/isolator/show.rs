//! What was found, for people.

use std::io::{self, Write};
use std::path::Path;

use apportion_cgroups::Version;

use super::view::{ControllerRow, Missing, PlaceRow, SettingRow, View};
use crate::output::{BOLD, DIMMED, GREEN, RED, YELLOW};
use crate::wording::shown;

/// Writes everything.
pub(super) fn view(out: &mut impl Write, view: &View) -> io::Result<()> {
    let kernel =
        view.kernel.as_deref().map(|release| format!(", kernel {}", shown(release))).unwrap_or_default();
    if let Some(layout) = view.layout {
        writeln!(out, "{BOLD}control groups {layout}{BOLD:#}{kernel}\n")?;
        let width =
            width(view.controllers.iter().filter_map(|row| row.home.as_ref()).map(|home| &*home.mount));
        for row in &view.controllers {
            controller(out, row, width)?;
        }
    }
    if !view.places.is_empty() {
        writeln!(out, "\n{BOLD}containers' groups{BOLD:#}")?;
        let width = width(view.places.iter().map(|row| &*row.place.parent));
        for row in &view.places {
            place(out, row, width)?;
        }
    }
    if !view.settings.is_empty() {
        writeln!(out, "\n{BOLD}settings of the kernel{BOLD:#}")?;
        for row in &view.settings {
            setting(out, row)?;
        }
    }
    if view.layout.is_some() {
        writeln!(out)?;
    }
    for risk in view.missing.iter().filter(|missing| !missing.fatal) {
        writeln!(out, "{YELLOW}risk:{YELLOW:#} {}", shown(&risk.text))?;
    }
    for fatal in view.missing.iter().filter(|missing| missing.fatal) {
        missing(out, fatal)?;
    }
    if view.is_good() {
        writeln!(out, "{GREEN}ok:{GREEN:#} containers' groups can be made here")?;
    }
    Ok(())
}

/// A path without what a terminal would take for more than text.
fn path(path: &Path) -> String {
    shown(&path.to_string_lossy())
}

/// The width of a column of paths.
fn width<'a>(paths: impl Iterator<Item = &'a Path>) -> usize {
    paths.map(|one| path(one).chars().count()).max().unwrap_or(0)
}

fn controller(out: &mut impl Write, row: &ControllerRow, width: usize) -> io::Result<()> {
    let name = row.controller.name(Version::V2);
    let Some(home) = &row.home else {
        let style = if row.wanted { RED } else { DIMMED };
        return writeln!(out, "  {style}{name:8} nowhere{style:#}");
    };
    let own = match &home.own {
        Some(own) => format!("in group {}", path(own)),
        None => "in a group outside of it".to_owned(),
    };
    let (version, mount) = (home.version.to_string(), path(&home.mount));
    let line = format!("{name:8} {version}  {mount:width$}  {own}");
    if row.wanted {
        writeln!(out, "  {line}")
    } else {
        writeln!(out, "  {DIMMED}{line}, not asked for{DIMMED:#}")
    }
}

fn place(out: &mut impl Write, row: &PlaceRow, width: usize) -> io::Result<()> {
    let names: Vec<&str> =
        row.place.controllers.iter().map(|controller| controller.name(Version::V2)).collect();
    let state = match row.groups {
        None => "to be made".to_owned(),
        Some(1) => "there, with 1 group".to_owned(),
        Some(number) => format!("there, with {number} groups"),
    };
    let parent = path(&row.place.parent);
    writeln!(out, "  {parent:width$}  {} ({state})", names.join(", "))?;
    match &*row.place.moves {
        [] => Ok(()),
        moves => {
            let processes =
                if moves.len() == 1 { "1 process moves" } else { &format!("{} processes move", moves.len()) };
            writeln!(out, "    {DIMMED}{processes} into {} first{DIMMED:#}", path(&row.place.agent()))
        }
    }
}

fn setting(out: &mut impl Write, row: &SettingRow) -> io::Result<()> {
    let (style, answer) = match row.there() {
        Some(true) => (GREEN, "yes"),
        Some(false) => (YELLOW, "no"),
        None => (DIMMED, "?"),
    };
    let file = row.file().and_then(Path::file_name).map(|file| file.to_string_lossy().into_owned());
    let note = file.or_else(|| row.note()).unwrap_or_default();
    writeln!(out, "  {:28} {style}{answer:3}{style:#}  {DIMMED}{}{DIMMED:#}", row.meaning(), shown(&note))
}

fn missing(out: &mut impl Write, missing: &Missing) -> io::Result<()> {
    writeln!(out, "{RED}missing:{RED:#} {}", shown(&missing.text))
}
