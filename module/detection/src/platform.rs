//! What the machine is, what runs on it, and its memory.

use std::collections::BTreeSet;

use crate::tree::{Tree, one_line};

/// Where the firmware's description of the machine is.
const DMI: &str = "/sys/class/dmi/id";

/// What a virtual machine says of itself: file below [`DMI`], how it begins, name of the hypervisor.
const HYPERVISORS: [(&str, &str, &str); 16] = [
    ("sys_vendor", "QEMU", "kvm"),
    ("product_name", "KVM", "kvm"),
    ("product_name", "AHV", "kvm"),
    ("product_name", "KubeVirt", "kvm"),
    ("product_name", "OpenStack", "kvm"),
    ("sys_vendor", "OpenStack", "kvm"),
    ("sys_vendor", "VMware", "vmware"),
    ("product_name", "VMware", "vmware"),
    ("product_name", "VirtualBox", "virtualbox"),
    ("sys_vendor", "innotek GmbH", "virtualbox"),
    ("sys_vendor", "Xen", "xen"),
    ("sys_vendor", "Parallels", "parallels"),
    ("sys_vendor", "BHYVE", "bhyve"),
    ("product_name", "BHYVE", "bhyve"),
    ("sys_vendor", "Bochs", "bochs"),
    ("product_name", "Virtual Machine", "hyperv"),
];

/// Whose machine it says it is: file below [`DMI`], how it begins, name of the cloud. Bare machines of a cloud say the
/// same as its virtual ones. Azure and Oracle tell themselves from other users of their hypervisor by the asset tag.
const CLOUDS: [(&str, &str, &str); 11] = [
    ("sys_vendor", "Amazon EC2", "amazon"),
    ("bios_vendor", "Amazon EC2", "amazon"),
    ("product_name", "Google Compute Engine", "google"),
    ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", "azure"),
    ("chassis_asset_tag", "OracleCloud.com", "oracle"),
    ("sys_vendor", "Alibaba Cloud", "alibaba"),
    ("sys_vendor", "DigitalOcean", "digitalocean"),
    ("sys_vendor", "Hetzner", "hetzner"),
    ("sys_vendor", "Scaleway", "scaleway"),
    ("sys_vendor", "OpenStack", "openstack"),
    ("product_name", "OpenStack", "openstack"),
];

/// What the firmware and the hypervisor say.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    pub(crate) vendor: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) virtualization: Option<&'static str>,
    pub(crate) cloud: Option<&'static str>,
}

/// Looks at the firmware's description. `hypervisor` is what the processor's flags say.
pub(crate) fn machine(tree: &Tree, hypervisor: Option<bool>) -> Machine {
    let said = |file: &str| tree.line(format!("{DMI}/{file}"));
    let first_of = |rows: &[(&str, &str, &'static str)]| {
        let matches = |(file, start, _): &&(&str, &str, &'static str)| {
            said(file).is_some_and(|value| value.starts_with(start))
        };
        rows.iter().find(matches).map(|(_, _, name)| *name)
    };
    let xen = || (tree.line("/sys/hypervisor/type")? == "xen").then_some("xen");
    let by_flag = || hypervisor.map(|shown| if shown { "vm" } else { "none" });
    Machine {
        vendor: said("sys_vendor"),
        model: said("product_name"),
        virtualization: first_of(&HYPERVISORS).or_else(xen).or_else(by_flag),
        cloud: first_of(&CLOUDS),
    }
}

/// The distribution.
#[derive(Debug, Default)]
pub(crate) struct Distribution {
    pub(crate) id: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) name: Option<String>,
}

/// Reads `os-release`, which is in one of two places.
pub(crate) fn distribution(tree: &Tree) -> Distribution {
    let text = tree.text("/etc/os-release").or_else(|| tree.text("/usr/lib/os-release")).unwrap_or_default();
    // As in a shell, the last assignment counts.
    let field = |name: &str| {
        let value = |line: &str| Some(unquoted(line.trim().strip_prefix(name)?.strip_prefix('=')?));
        one_line(&text.lines().rev().find_map(value)?)
    };
    Distribution { id: field("ID"), version: field("VERSION_ID"), name: field("PRETTY_NAME") }
}

/// A value of `os-release` as a shell would read it.
fn unquoted(value: &str) -> String {
    let within = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if let Some(literal) = within('\'') {
        return literal.to_owned();
    }
    let mut characters = within('"').unwrap_or(value).chars();
    let mut plain = String::new();
    while let Some(character) = characters.next() {
        let escaped = (character == '\\').then(|| characters.next()).flatten();
        plain.push(escaped.unwrap_or(character));
    }
    plain
}

/// The instruction set as `uname -m` says it.
pub(crate) fn architecture(tree: &Tree) -> Option<String> {
    let of_running_kernel = || {
        // Kernels before 6.1 tell it only when asked.
        let asked = tree.is_running_machine().then(rustix::system::uname)?;
        one_line(&asked.machine().to_string_lossy())
    };
    tree.line("/proc/sys/kernel/arch").or_else(of_running_kernel)
}

/// All memory the kernel manages, in bytes.
pub(crate) fn memory_bytes(tree: &Tree) -> Option<u64> {
    // procfs' own reader wants every line an ordinary kernel has, and does not expect letters beyond ASCII.
    let text = tree.text("/proc/meminfo")?;
    let amount = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = amount.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// How many NUMA nodes there are.
pub(crate) fn numa_nodes(tree: &Tree) -> Option<usize> {
    let nodes = tree.numbered("/sys/devices/system/node", "node")?;
    (!nodes.is_empty()).then_some(nodes.len())
}

/// Sizes of huge pages the kernel offers, in KiB.
pub(crate) fn hugepage_sizes(tree: &Tree) -> Option<BTreeSet<u64>> {
    let names = tree.names("/sys/kernel/mm/hugepages")?;
    let size = |name: &String| name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok();
    Some(names.iter().filter_map(size).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_os_release_are_read_as_a_shell_does() {
        assert_eq!(unquoted("debian"), "debian");
        assert_eq!(unquoted("\"Debian GNU/Linux\""), "Debian GNU/Linux");
        assert_eq!(unquoted("'a \\ b'"), "a \\ b");
        assert_eq!(unquoted(r#""a \"b\" \$c \\""#), r#"a "b" $c \"#);
        assert_eq!(unquoted("\"open"), "\"open");
        assert_eq!(unquoted("\""), "\"");
        assert_eq!(unquoted("x\\"), "x\\");
        assert_eq!(unquoted(""), "");
    }
}
