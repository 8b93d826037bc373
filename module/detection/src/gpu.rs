//! Graphics processors and other accelerators.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::Tree;

/// Graphics processors and accelerators the host has.
///
/// Devices of the PCI bus whose class is a display controller or a processing accelerator, of a vendor that makes
/// such: NVIDIA, AMD, Intel, Habana. The screen adapters of management boards and of virtual machines have other
/// vendors and are not counted, nor are virtual functions that a device was divided into on this host. NVIDIA's are
/// counted by `/dev/nvidia0`, `/dev/nvidia1`… as well, because containers and some virtual machines do not see the bus;
/// the larger number is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gpus {
    /// How many there are.
    pub count: usize,
    /// Who made them: `amd`, `habana`, `intel`, `nvidia`.
    pub vendors: BTreeSet<&'static str>,
}

/// Vendors by their number on the PCI bus.
const VENDORS: [(u32, &str); 4] =
    [(0x1002, "amd"), (0x10de, "nvidia"), (0x1da3, "habana"), (0x8086, "intel")];

/// The class of display controllers: the first of three bytes.
const DISPLAY_CONTROLLER: u32 = 0x03;

/// The class and subclass of processing accelerators.
const PROCESSING_ACCELERATOR: u32 = 0x1200;

/// Where the devices of the PCI bus are.
const BUS: &str = "/sys/bus/pci/devices";

/// Looks for graphics processors; `None` if neither bus nor devices can be listed.
pub(crate) fn gpus(tree: &Tree) -> Option<Gpus> {
    let on_bus = tree.names(BUS);
    let nodes = tree.numbered("/dev", "nvidia");
    if on_bus.is_none() && nodes.is_none() {
        return None;
    }
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for device in on_bus.unwrap_or_default() {
        if let Some(vendor) = maker(tree, &device) {
            *counts.entry(vendor).or_default() += 1;
        }
    }
    let nodes = nodes.unwrap_or_default().len();
    if nodes > 0 {
        let nvidia = counts.entry("nvidia").or_default();
        *nvidia = nodes.max(*nvidia);
    }
    Some(Gpus { count: counts.values().sum(), vendors: counts.into_keys().collect() })
}

/// Who made the device, if it is a graphics processor or an accelerator.
fn maker(tree: &Tree, device: &str) -> Option<&'static str> {
    let number = |file: &str| {
        let line = tree.line(format!("{BUS}/{device}/{file}"))?;
        u32::from_str_radix(line.strip_prefix("0x")?, 16).ok()
    };
    let class = number("class")?;
    if class >> 16 != DISPLAY_CONTROLLER && class >> 8 != PROCESSING_ACCELERATOR {
        return None;
    }
    if tree.has(format!("{BUS}/{device}/physfn")) {
        return None;
    }
    let vendor = number("vendor")?;
    VENDORS.iter().find(|(known, _)| *known == vendor).map(|(_, name)| *name)
}
