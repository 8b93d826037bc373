//! Trees that no kernel makes: nothing panics, nothing waits, what makes no sense is not there.

use std::os::unix::ffi::OsStrExt;

use apportion_detection::{DiskKind, FACTS, Host, disk_kind};
use proptest::prelude::*;

use crate::machine::Machine;

/// Every file detection reads in a tree, with something behind it.
const READ: [&str; 22] = [
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/version",
    "/proc/sys/kernel/arch",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/self/mountinfo",
    "/etc/os-release",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/cpu0/topology/physical_package_id",
    "/sys/devices/system/cpu/cpu0/topology/core_cpus_list",
    "/sys/devices/system/node/node0",
    "/sys/kernel/mm/hugepages/hugepages-2048kB",
    "/sys/class/dmi/id/sys_vendor",
    "/sys/class/dmi/id/product_name",
    "/sys/class/dmi/id/chassis_asset_tag",
    "/sys/hypervisor/type",
    "/sys/bus/pci/devices/0000:00:01.0/class",
    "/sys/bus/pci/devices/0000:00:01.0/vendor",
    "/sys/dev/block/8:1",
    "/sys/class/block/sda1",
    "/dev/nvidia0",
    "/usr/lib/os-release",
];

#[test]
fn an_empty_tree_and_one_that_is_not_there_tell_nothing() {
    let machine = Machine::empty();
    assert_eq!(machine.detect(), Host::default());
    assert!(machine.detect().facts().is_empty());
    assert_eq!(Host::detect("/no/such/tree"), Host::default());
    assert_eq!(Host::detect("/dev/null"), Host::default());
    assert_eq!(Host::detect(""), Host::default());
}

#[test]
fn pipes_in_the_place_of_files_hold_nobody_up() {
    let machine = Machine::empty();
    for path in READ {
        machine.pipe(path);
    }
    let facts = machine.detect().facts();
    let names: Vec<&str> = facts.keys().copied().collect();
    let by_names_alone = ["cpu_threads", "gpu_vendors", "gpus", "hugepage_sizes", "numa_nodes"];
    assert_eq!(names, by_names_alone);
}

#[test]
fn folders_and_links_in_the_place_of_files_tell_nothing() {
    for target in ["nowhere", "/dev/zero", "/dev/tty", "loop", "."] {
        let machine = Machine::empty();
        for path in READ {
            machine.link(path, target);
            if target == "loop" {
                let name = path.rsplit('/').next().unwrap();
                machine.link(path, name);
            }
        }
        let host = machine.detect();
        assert_eq!((&host.kernel, &host.cpu_model, host.memory_bytes), (&None, &None, None), "{target}");
        assert_eq!((&host.os, host.cgroups, host.virtualization), (&None, None, None), "{target}");
    }
    let machine = Machine::empty();
    for path in READ {
        machine.folder(path);
    }
    assert_eq!(machine.detect().kernel, None);
}

#[test]
fn a_folder_of_devices_in_a_circle_has_no_kind() {
    let machine = Machine::empty();
    machine.write("/proc/self/mountinfo", "1 0 9:0 / / rw - ext4 /dev/md0 rw\n");
    machine.link("/sys/dev/block/9:0", "../../devices/md0");
    machine.write("/sys/devices/md0/queue/rotational", "0\n");
    assert_eq!(disk_kind(machine.root(), "/"), Some(DiskKind::Ssd));
    for member in 0..40 {
        machine.link(&format!("/sys/devices/md0/slaves/m{member}"), "../../md0");
    }
    assert_eq!(disk_kind(machine.root(), "/"), None, "and it is found out at once");
}

#[test]
fn a_link_out_of_the_tree_tells_nothing_of_a_disk() {
    let machine = Machine::empty();
    let outside = Machine::empty();
    outside.write("/sda/queue/rotational", "1\n");
    machine.write("/proc/self/mountinfo", "1 0 8:0 / / rw - ext4 /dev/sda rw\n");
    machine.link("/sys/dev/block/8:0", outside.place("/sda"));
    assert_eq!(disk_kind(machine.root(), "/"), None);
}

#[test]
fn long_files_are_cut_and_long_lines_too() {
    let machine = Machine::empty();
    machine.write("/proc/sys/kernel/osrelease", vec![b'5'; 8 * 1024 * 1024]);
    machine.write("/proc/cpuinfo", "processor : 0\n".repeat(600_000));
    machine.write("/etc/os-release", format!("{}\nID=late\n", "#".repeat(5 * 1024 * 1024)));
    let host = machine.detect();
    assert_eq!(host.kernel.as_ref().map(String::len), Some(256));
    assert_eq!(host.facts()["kernel"].len(), 128);
    assert_eq!(host.os, None, "behind the limit");
}

#[test]
fn what_is_not_utf8_is_replaced_and_never_reaches_an_attribute() {
    let machine = Machine::empty();
    machine.write("/proc/sys/kernel/osrelease", b"5.1\xff\xfe-x;y,z\n");
    machine.write("/sys/class/dmi/id/sys_vendor", "Größe & Söhne\0\n");
    let name = std::ffi::OsStr::from_bytes(b"node\xff");
    std::fs::create_dir_all(machine.place("/sys/devices/system/node").join(name)).unwrap();
    let host = machine.detect();
    assert_eq!(host.kernel.as_deref(), Some("5.1\u{fffd}\u{fffd}-x;y,z"));
    assert_eq!(host.facts()["kernel"], "5.1_-x_y_z");
    assert_eq!(host.facts()["machine_vendor"], "Gr_e_S_hne");
    assert_eq!(host.numa_nodes, None);
}

#[test]
fn the_last_assignment_in_os_release_counts_and_half_ones_do_not() {
    let machine = Machine::empty();
    machine.write("/etc/os-release", "ID=first\n# ID=comment\nID_LIKE=x\n  ID=\"last\"\nID\nVERSION_ID=\n");
    machine.write("/usr/lib/os-release", "VERSION_ID=9\n");
    let host = machine.detect();
    assert_eq!(host.os.as_deref(), Some("last"));
    assert_eq!(host.os_version, None, "the file of the distribution is hidden by the one of the host");
}

#[test]
fn numbers_that_cannot_be_are_not_believed() {
    let cases = [
        ("/proc/meminfo", "MemTotal: 18446744073709551615 kB\n"),
        ("/proc/meminfo", "MemTotal: -5 kB\n"),
        ("/proc/meminfo", "MemTotal: 5 €\n€ 5 €\n"),
        ("/proc/meminfo", "MemTotal:\n"),
        ("/sys/devices/system/cpu/online", "0-18446744073709551615\n"),
        ("/sys/devices/system/cpu/online", "3-1\n"),
        ("/sys/kernel/mm/hugepages/hugepages-99999999999999999999kB/x", ""),
        ("/sys/kernel/mm/hugepages/hugepages-kB/x", ""),
        ("/sys/devices/system/node/node/x", ""),
        ("/sys/devices/system/node/nodes/x", ""),
        ("/sys/bus/pci/devices/x/class", "0xfffffffff\n"),
        ("/sys/bus/pci/devices/x/class", "030000\n"),
    ];
    for (path, text) in cases {
        let machine = Machine::empty();
        machine.write(path, text);
        let mut facts = machine.detect().facts();
        assert_eq!(facts.remove("gpus").unwrap_or("0".into()), "0");
        assert!(facts.is_empty(), "{path} {text:?}: {facts:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_files_hold_facts_stay_fit(contents in prop::collection::vec(odd_text(), READ.len())) {
        let machine = Machine::empty();
        for (path, content) in READ.iter().zip(contents) {
            machine.write(path, content);
        }
        let host = machine.detect().with_disk_of(machine.root(), "/var/lib/mesos");
        for (name, value) in host.facts() {
            prop_assert!(FACTS.iter().any(|fact| fact.name == name));
            prop_assert!((1..=128).contains(&value.len()), "{name}={value}");
            prop_assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_/.-".contains(&b)), "{name}={value}");
        }
    }
}

/// Bytes, and text made of the words the readers look for.
fn odd_text() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "processor",
        "model name",
        "flags",
        "hypervisor",
        "CPU implementer",
        "CPU part",
        "0x41",
        ":",
        " ",
        "\t",
        "\n",
        "\n\n",
        "MemTotal:",
        " kB",
        "0-3",
        "-",
        ",",
        "ID=",
        "VERSION_ID=",
        "\"",
        "'",
        "\\",
        "1 0 8:1 / / rw - ext4 ",
        "/dev/sda1 rw",
        "0:1",
        "cgroup2",
        "\\040",
        "18446744073709551616",
        "0x030000",
        "é",
        "\0",
        "1",
        "0",
    ]);
    let text = prop::collection::vec(words, 0..40).prop_map(|words| words.concat().into_bytes());
    prop_oneof![3 => text, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}
