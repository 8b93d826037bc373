//! What containers' groups get: `[isolator.limits]`, and `limits` of a rule.

use apportion_cgroups::{Bound, Controller, Device, PageSize, Protection, SwapPolicy, Version};
use apportion_isolation::{Breaches, CorePlacement, DeviceChanges, LimitChanges};

use super::Groups;
use crate::names::nearest;
use crate::problem::{Kind, quoted};
use crate::raw::{Entry, Node, Value};
use crate::reader::lists::Texts;
use crate::reader::values::{count_bound, part, size, size_bound, whole};
use crate::reader::{Complaint, Reader, below_path, one_of};
use crate::schema::{RULE_LIMITS, SchemaTable};
use crate::words;

/// Most processes and threads that the kernel can count.
const PIDS_MAX: u64 = 4_194_304;
/// Largest numbers that the kernel has for a block device.
const MAJOR_MAX: u32 = 4095;
const MINOR_MAX: u32 = 1_048_575;
/// Most swap space, in thousandths of the limit of memory.
const SWAP_PERMILLE_MAX: u64 = 100_000;

/// The controller that a key needs.
fn controller_of(key: &str) -> Option<Controller> {
    match key {
        "cpu_limit" | "cpu_period_us" | "cpu_burst" => Some(Controller::Cpu),
        "memory_floor" | "memory_protection" | "memory_high" | "swap" => Some(Controller::Memory),
        "pids" => Some(Controller::Pids),
        "io_weight" | "io" => Some(Controller::Io),
        "cpus" => Some(Controller::CpuSet),
        "hugepages" => Some(Controller::HugeTlb),
        _ => None,
    }
}

impl Reader<'_> {
    /// Limits in a table; `schema` is its path without numbers of rules, `at` the place of its key.
    pub(super) fn limits(
        &mut self,
        schema: &str,
        path: &str,
        node: &Node,
        at: Option<usize>,
        groups: &Groups,
    ) -> LimitChanges {
        let entries = if schema == RULE_LIMITS {
            self.filled(path, node, "at least one limit")
        } else {
            self.table(node, path)
        };
        if matches!(groups, Groups::Absent) {
            let complaint =
                Complaint::new(Kind::Missing, "limits, but no control groups", "a table [isolator.cgroups]");
            self.report(path, at, complaint.hint("it may be empty: every key of it has a default"));
        }
        let mut limits = LimitChanges::default();
        for entry in self.known_keys(schema, path, entries) {
            let path = below_path(path, &entry.key);
            if let Some(controller) = controller_of(&entry.key) {
                self.needs(controller, groups, &path, entry.at);
            }
            self.limit(&path, entry, groups, &mut limits);
        }
        limits
    }

    /// Reports a setting whose controller is not asked for.
    fn needs(&mut self, controller: Controller, groups: &Groups, path: &str, at: Option<usize>) {
        let Groups::With(listed) = groups else { return };
        if listed.contains(&controller) {
            return;
        }
        let name = controller.name(Version::V2);
        let found = format!("a setting that needs the controller `{name}`, which is not asked for");
        let expected = format!("{} in isolator.cgroups.controllers", quoted(name));
        let with = listed.iter().map(|listed| listed.name(Version::V2)).chain([name]);
        let list: Vec<String> = with.map(quoted).collect();
        let complaint = Complaint::new(Kind::WrongValue, found, expected);
        self.report(path, at, complaint.hint(format!("controllers = [{}]", list.join(", "))));
    }

    /// One limit.
    fn limit(&mut self, path: &str, entry: &Entry, groups: &Groups, limits: &mut LimitChanges) {
        let node = &entry.node;
        match &*entry.key {
            "cpu_limit" => {
                let word = self.checked(path, node, |value| one_of(value, words::CPU_LIMITS, |word| word.0));
                limits.limit_cpus_to_request = word.map(|word| word.1);
            }
            "cpu_period_us" => {
                limits.cpu_period_us = self.checked(path, node, |value| whole(value, 1000..=1_000_000));
            }
            "cpu_burst" => {
                limits.cpu_burst_permille =
                    self.checked(path, node, |value| part(value, 1..=1000, &[("none", 0)], |found| found));
            }
            "memory_floor" => {
                limits.memory_floor_bytes = self.checked(path, node, |value| size(value, 1 << 20));
            }
            "memory_protection" => {
                limits.memory_protection = self.checked(path, node, protection);
            }
            "memory_high" => {
                limits.memory_high_permille =
                    self.checked(path, node, |value| part(value, 10..=1000, &[("none", None)], Some));
            }
            "swap" => {
                const WORDS: [(&str, SwapPolicy); 2] =
                    [("none", SwapPolicy::None), ("unlimited", SwapPolicy::Unlimited)];
                limits.swap = self.checked(path, node, |value| {
                    part(value, 1..=SWAP_PERMILLE_MAX, &WORDS, SwapPolicy::Permille)
                });
            }
            "pids" => limits.pids = self.checked(path, node, |value| count_bound(value, PIDS_MAX)),
            "io_weight" => {
                let weight = self.checked(path, node, |value| whole(value, 1..=10_000));
                limits.io_weight = weight.and_then(|weight| u32::try_from(weight).ok());
            }
            "io" => self.devices(path, node, limits),
            "cpus" => limits.cores = self.checked(path, node, cores),
            "hugepages" => self.hugepages(path, node, limits),
            "ends_on" => limits.ends_on = self.breaches(path, node, groups),
            _ => {}
        }
    }

    /// Ceilings of block devices.
    fn devices(&mut self, path: &str, node: &Node, limits: &mut LimitChanges) {
        let keys = SchemaTable::at("isolator.limits.io").map_or(&[][..], |table| table.keys);
        let keys: Vec<&str> = keys.iter().map(|row| row.key).collect();
        for entry in self.filled(path, node, "at least one device") {
            let path = below_path(path, &entry.key);
            let device = device(&entry.key);
            if device.is_none() {
                let found = format!("{} as a device", quoted(&entry.key));
                let expected = format!("its numbers, up to {MAJOR_MAX}:{MINOR_MAX}, such as \"8:0\"");
                let complaint = Complaint::new(Kind::WrongName, found, expected);
                self.report(&path, entry.at, complaint.hint("`lsblk` shows them as MAJ:MIN"));
            }
            let mut changes = DeviceChanges::default();
            for entry in self.filled(&path, &entry.node, "at least one ceiling") {
                let path = below_path(&path, &entry.key);
                let (place, bound): (_, fn(&Value) -> _) = match &*entry.key {
                    "read_bytes" => (&mut changes.read_bytes, size_bound),
                    "write_bytes" => (&mut changes.write_bytes, size_bound),
                    "reads" => (&mut changes.reads, count),
                    "writes" => (&mut changes.writes, count),
                    _ => {
                        let known: Vec<&str> = keys.clone();
                        let parent = path.strip_suffix(&format!(".{}", entry.key)).unwrap_or(&path);
                        self.unknown_of(parent, entry, &known);
                        continue;
                    }
                };
                *place = self.checked(&path, &entry.node, bound);
            }
            limits.io.extend(device.map(|device| (device, changes)));
        }
    }

    /// Huge pages by their size.
    fn hugepages(&mut self, path: &str, node: &Node, limits: &mut LimitChanges) {
        for entry in self.filled(path, node, "at least one size of pages") {
            let path = below_path(path, &entry.key);
            let Some((pages, page_bytes)) = page_size(&entry.key) else {
                let found = format!("{} as a size of pages", quoted(&entry.key));
                let complaint =
                    Complaint::new(Kind::WrongName, found, "a size as the kernel names it: \"2MB\", \"1GB\"");
                self.report(&path, entry.at, complaint.hint("/sys/kernel/mm/hugepages shows them, in kB"));
                continue;
            };
            let bound = self.checked(&path, &entry.node, |value| {
                let bound = size_bound(value)?;
                match bound {
                    Bound::At(bytes) if bytes % page_bytes != 0 => {
                        let expected = format!("a multiple of {}", crate::quantities::size(page_bytes));
                        Err(Complaint::new(Kind::WrongValue, value.describe(), expected))
                    }
                    _ => Ok(bound),
                }
            });
            limits.hugepages.extend(bound.map(|bound| (pages, bound)));
        }
    }

    /// What ends a container; what needs a controller that is not asked for is a problem.
    fn breaches(&mut self, path: &str, node: &Node, groups: &Groups) -> Option<Breaches> {
        const TAKES: Texts = Texts {
            whole: "a list of \"memory\" and \"pids\"",
            one: "\"memory\" or \"pids\"",
            alone: false,
            any: false,
        };
        let before = self.mistakes;
        let mut breaches = Breaches { memory: false, pids: false };
        for piece in self.any_texts(path, node, TAKES) {
            let (ends, controller) = match piece.text {
                "memory" => (&mut breaches.memory, Controller::Memory),
                "pids" => (&mut breaches.pids, Controller::Pids),
                other => {
                    let complaint = Complaint::new(Kind::WrongValue, quoted(other), TAKES.one);
                    self.report(&piece.path, piece.at, complaint.meant(nearest(other, ["memory", "pids"])));
                    continue;
                }
            };
            *ends = true;
            self.needs(controller, groups, &piece.path, piece.at);
        }
        (self.mistakes == before).then_some(breaches)
    }
}

/// Accesses in a second.
fn count(value: &Value) -> Result<Bound, Complaint> {
    // The kernel counts them in 32 bits.
    count_bound(value, u32::MAX.into())
}

fn protection(value: &Value) -> Result<Protection, Complaint> {
    one_of(value, words::PROTECTIONS, |word| word.0).map(|word| word.1)
}

fn cores(value: &Value) -> Result<CorePlacement, Complaint> {
    one_of(value, words::CORES, |word| word.0).map(|word| word.1)
}

/// The device of a key, if it is written as the kernel does.
fn device(text: &str) -> Option<Device> {
    let device: Device = text.parse().ok()?;
    let fits = device.major <= MAJOR_MAX && device.minor <= MINOR_MAX;
    (fits && device.to_string() == text).then_some(device)
}

/// A size of huge pages by the kernel's name, and in bytes.
fn page_size(name: &str) -> Option<(PageSize, u64)> {
    let pages = PageSize::new(name)?;
    let units = [("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30)];
    let (number, unit) =
        units.into_iter().find_map(|(unit, bytes)| Some((name.strip_suffix(unit)?, bytes)))?;
    let number = crate::quantities::digits(number)?;
    // The kernel takes the largest unit that leaves a whole number, and its sizes are powers of two.
    (number.is_power_of_two() && number < 1024).then_some((pages, number * unit))
}
