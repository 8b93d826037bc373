//! The counts that are written down, and how far a count may be from them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

use super::{Counted, Listed};
use crate::Failure;

/// Where counts are written down.
pub(super) const FILE: &str = "tests/workloads/instructions.toml";

/// How much a count may rise, in thousandths of what is written down.
pub(super) const MARGIN_PERMILLE: u64 = 30;
/// What a count may rise by however small it is.
const MARGIN_LEAST: u64 = 20;

/// What is written down about one workload.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) size: [usize; 3],
    pub(super) unit: String,
    pub(super) units: u64,
    pub(super) instructions: u64,
    pub(super) allocations: u64,
}

impl Kept {
    /// What is to be written down.
    pub(super) fn of(workload: &Listed, counted: &Counted) -> Kept {
        Kept {
            size: workload.size,
            unit: workload.unit.clone(),
            units: counted.units,
            instructions: counted.instructions,
            allocations: counted.allocations,
        }
    }
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    /// The compiler whose code was counted.
    pub(super) compiler: String,
    /// By name.
    pub(super) workloads: BTreeMap<String, Kept>,
}

/// How a number stands to the one written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Within,
    Worse,
    Better,
}

/// Where a number stands, with the margin.
pub(super) fn standing(kept: u64, found: u64) -> Standing {
    let margin = (kept * MARGIN_PERMILLE / 1000).max(MARGIN_LEAST);
    if found > kept + margin {
        Standing::Worse
    } else if found + margin < kept {
        Standing::Better
    } else {
        Standing::Within
    }
}

impl Counts {
    /// Reads the file; nothing is written down where there is none.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is not of the form.
    pub(super) fn read(file: &Path) -> Result<Counts, Failure> {
        match std::fs::read_to_string(file) {
            Ok(text) => toml::from_str(&text).map_err(|error| {
                Failure::new(format!("{FILE}: {error}  write it anew: cargo xtask instructions --update"))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Counts::default()),
            Err(error) => Err(Failure::new(format!("{FILE}: {error}"))),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(super) fn write(&self, file: &Path) -> Result<(), Failure> {
        std::fs::write(file, self.text()).map_err(|error| Failure::new(format!("{FILE}: {error}")))
    }

    fn text(&self) -> String {
        let mut text = format!(
            "# Written by `cargo xtask instructions --update`; docs/performance/instructions.md says what is counted.\n\
             compiler = {:?}\n",
            self.compiler
        );
        for (name, kept) in &self.workloads {
            let Kept { size: [agents, frameworks, roles], unit, units, instructions, allocations } = kept;
            let _ = write!(
                text,
                "\n[workloads.{name}]\nsize = [{agents}, {frameworks}, {roles}]\nunit = \"{unit}\"\nunits = {units}\n\
                 instructions = {instructions}\nallocations = {allocations}\n"
            );
        }
        text
    }

    /// What is worse than it may be, and what cannot be compared; with `all`, also what is written down in vain.
    pub(super) fn failures(&self, rows: &[(&Listed, Counted)], all: bool) -> Vec<String> {
        let mut failures: Vec<String> = rows
            .iter()
            .filter_map(|(workload, counted)| {
                let name = &workload.name;
                let Some(kept) = self.workloads.get(name) else {
                    return Some(format!("{name}: no count is written down"));
                };
                let found = Kept::of(workload, counted);
                if (kept.size, kept.units) != (found.size, found.units) {
                    return Some(format!("{name}: what is written down is of another size"));
                }
                let numbers = [
                    ("instructions", kept.instructions, found.instructions),
                    ("allocations", kept.allocations, found.allocations),
                ];
                let worse =
                    numbers.iter().filter(|(_, kept, found)| standing(*kept, *found) == Standing::Worse);
                let worse: Vec<String> = worse
                    .map(|(what, kept, found)| format!("{found} {what}, written down are {kept}"))
                    .collect();
                (!worse.is_empty()).then(|| format!("{name}: {}", worse.join("; ")))
            })
            .collect();
        if all {
            let unknown =
                self.workloads.keys().filter(|name| !rows.iter().any(|(one, _)| one.name == **name));
            failures.extend(
                unknown.map(|name| format!("{name}: is written down, and there is no such workload")),
            );
        }
        failures
    }

    /// What to do about failures.
    pub(super) fn advice(&self, compiler: &str) -> String {
        let mut advice = String::new();
        if self.compiler != compiler {
            let _ = write!(advice, "\n  counted with {compiler}, written down with {}", self.compiler);
        }
        advice.push_str(
            "\n  see where the instructions are: docs/performance/instructions.md\n  \
             if the cost is meant: cargo xtask instructions --update, and say in the commit why",
        );
        advice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(name: &str) -> Listed {
        Listed { name: name.to_owned(), unit: "offer".to_owned(), about: String::new(), size: [10, 2, 1] }
    }

    fn counted(instructions: u64, allocations: u64) -> Counted {
        Counted { instructions, allocations, units: 10 }
    }

    fn kept() -> Counts {
        let kept = Kept::of(&workload("full-cycle"), &counted(10_000, 1_000));
        Counts { compiler: "rustc 1".to_owned(), workloads: [("full-cycle".to_owned(), kept)].into() }
    }

    #[test]
    fn what_is_written_down_is_read_back() {
        assert_eq!(toml::from_str::<Counts>(&kept().text()).unwrap(), kept());
    }

    #[test]
    fn a_count_may_rise_by_the_margin_and_not_more() {
        let workload = workload("full-cycle");
        let failures = |count| kept().failures(&[(&workload, count)], true);
        assert_eq!(failures(counted(10_300, 1_030)), [""; 0]);
        assert_eq!(failures(counted(5_000, 10)), [""; 0], "less is no failure");
        assert_eq!(
            failures(counted(10_301, 1_031)),
            [
                "full-cycle: 10301 instructions, written down are 10000; 1031 allocations, written down are 1000"
            ]
        );
        assert_eq!(standing(10_000, 9_699), Standing::Better);
        assert_eq!(standing(3, 23), Standing::Within, "a few more of next to nothing");
        assert_eq!(standing(0, 21), Standing::Worse);
    }

    #[test]
    fn what_cannot_be_compared_is_a_failure() {
        let (other, same) = (workload("other"), workload("full-cycle"));
        let failures = kept().failures(&[(&other, counted(1, 1))], true);
        assert_eq!(failures.len(), 2, "{failures:?}");
        let larger = Counted { units: 11, ..counted(10_000, 1_000) };
        assert_eq!(
            kept().failures(&[(&same, larger)], false),
            ["full-cycle: what is written down is of another size"]
        );
    }
}
