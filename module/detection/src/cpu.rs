//! Processors: what they are, and how many at each level.

use std::collections::BTreeSet;

use procfs::{CpuInfo, FromBufRead};

use crate::tree::{Tree, one_line};

/// What is known about the processors.
#[derive(Debug, Default)]
pub(crate) struct Cpus {
    pub(crate) model: Option<String>,
    pub(crate) vendor: Option<String>,
    /// Whether a hypervisor shows itself to the processor's flags; only x86 has this one.
    pub(crate) hypervisor: Option<bool>,
    pub(crate) sockets: Option<usize>,
    pub(crate) cores: Option<usize>,
    pub(crate) threads: Option<usize>,
}

/// Where the kernel describes processors.
const FOLDER: &str = "/sys/devices/system/cpu";

/// Most threads a machine is believed to have: eight times what Linux can be built for.
const THREADS_MAX: u64 = 65_536;

/// Who made an ARM core: number in the main id register, name.
const ARM_IMPLEMENTERS: [(&str, &str); 9] = [
    ("0x41", "ARM"),
    ("0x42", "Broadcom"),
    ("0x43", "Cavium"),
    ("0x46", "Fujitsu"),
    ("0x48", "HiSilicon"),
    ("0x4e", "NVIDIA"),
    ("0x50", "APM"),
    ("0x61", "Apple"),
    ("0xc0", "Ampere"),
];

/// Cores that servers have: implementer, part, name.
const ARM_PARTS: [(&str, &str, &str); 12] = [
    ("0x41", "0xd03", "Cortex-A53"),
    ("0x41", "0xd07", "Cortex-A57"),
    ("0x41", "0xd08", "Cortex-A72"),
    ("0x41", "0xd0c", "Neoverse-N1"),
    ("0x41", "0xd40", "Neoverse-V1"),
    ("0x41", "0xd49", "Neoverse-N2"),
    ("0x41", "0xd4f", "Neoverse-V2"),
    ("0x43", "0x0a1", "ThunderX"),
    ("0x43", "0x0af", "ThunderX2"),
    ("0x46", "0x001", "A64FX"),
    ("0x48", "0xd01", "Kunpeng-920"),
    ("0xc0", "0xac3", "Ampere-1"),
];

/// Looks at the processors.
pub(crate) fn cpus(tree: &Tree) -> Cpus {
    let mut cpus = described(tree);
    let online = tree.line(format!("{FOLDER}/online")).as_deref().and_then(ranges);
    let mut names = tree.numbered(FOLDER, "cpu").unwrap_or_default();
    if let Some(online) = &online {
        let is_online = |name: &String| {
            let number = name.trim_start_matches("cpu").parse::<u64>();
            number.is_ok_and(|number| online.iter().any(|(first, last)| (first..=last).contains(&&number)))
        };
        names.retain(is_online);
    }
    cpus.threads = match &online {
        Some(online) => counted(online),
        None => (!names.is_empty()).then_some(names.len()),
    };
    let mut sockets = BTreeSet::new();
    let mut cores = BTreeSet::new();
    for name in &names {
        let topology = |file: &str| tree.line(format!("{FOLDER}/{name}/topology/{file}"));
        let socket = topology("physical_package_id");
        // Threads of one core name the same siblings. Core ids repeat: within a socket always, within a die sometimes.
        cores.extend(topology("core_cpus_list").or_else(|| topology("thread_siblings_list")));
        sockets.extend(socket);
    }
    cpus.sockets = (!sockets.is_empty()).then_some(sockets.len());
    cpus.cores = (!cores.is_empty()).then_some(cores.len());
    cpus
}

/// What `/proc/cpuinfo` says of the first processor.
fn described(tree: &Tree) -> Cpus {
    let text = tree.text("/proc/cpuinfo").unwrap_or_default();
    let Ok(info) = CpuInfo::from_buf_read(text.as_bytes()) else { return Cpus::default() };
    let field = |name: &str| info.get_field(0, name).and_then(one_line);
    // x86 has "model name", POWER "cpu" with more behind a comma, ARM numbers.
    let power = || field("cpu").and_then(|cpu| one_line(cpu.split(',').next()?));
    let implementer = field("CPU implementer");
    let vendor = field("vendor_id").or_else(|| {
        let number = implementer.as_deref()?;
        let known = ARM_IMPLEMENTERS.iter().find(|(known, _)| *known == number);
        known.map(|(_, name)| (*name).to_owned())
    });
    let arm = || {
        let (implementer, part) = (implementer.as_deref()?, field("CPU part")?);
        let known = ARM_PARTS.iter().find(|(by, known, _)| *by == implementer && *known == part);
        Some(known.map_or_else(|| format!("ARM {implementer} {part}"), |(_, _, name)| (*name).to_owned()))
    };
    Cpus {
        model: field("model name").or_else(power).or_else(arm),
        vendor,
        hypervisor: info.flags(0).map(|flags| flags.contains(&"hypervisor")),
        ..Cpus::default()
    }
}

/// The kernel's way to write a set of numbers, `0-3,8`, as first and last of each range.
fn ranges(list: &str) -> Option<Vec<(u64, u64)>> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last).then_some((first, last))
    };
    list.split(',').map(range).collect()
}

/// How many numbers the ranges hold, if that can be.
fn counted(ranges: &[(u64, u64)]) -> Option<usize> {
    let length = |(first, last): &(u64, u64)| (last - first).saturating_add(1);
    let count = ranges.iter().map(length).fold(0, u64::saturating_add);
    (count <= THREADS_MAX).then(|| usize::try_from(count).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_the_kernel_are_counted() {
        let count = |list: &str| ranges(list).as_deref().and_then(counted);
        assert_eq!(count("0"), Some(1));
        assert_eq!(count("0-3,8,10-11"), Some(7));
        assert_eq!(count("0-65535"), Some(65_536));
    }

    #[test]
    fn lists_that_cannot_be_are_refused() {
        let count = |list: &str| ranges(list).as_deref().and_then(counted);
        for list in ["", "x", "3-1", "0-", "-1", "1,,2", "0-65536", "0-18446744073709551615", "0 - 3"] {
            assert_eq!(count(list), None, "{list:?}");
        }
    }
}
