//! Whole machines, fact by fact.

use std::collections::BTreeSet;

use apportion_detection::{Cgroups, DiskKind, FACTS, FactKind, Host, disk_kind};

use crate::machine::Machine;

/// The facts as lines, as a reader would compare them.
fn facts(host: &Host) -> Vec<String> {
    let facts = host.facts();
    let in_order = FACTS.iter().filter_map(|fact| Some((fact.name, facts.get(fact.name)?)));
    in_order.map(|(name, value)| format!("{name}={value}")).collect()
}

#[test]
fn a_server_with_two_sockets_is_seen_as_it_is() {
    let machine = Machine::named("two-sockets");
    let expected = [
        "kernel=3.10.0-1160.el7.x86_64",
        "kernel_version=1_SMP_Mon_Oct_19_16_18_59_UTC_2020",
        "cpu_model=Intel_R_Xeon_R_Gold_6230_CPU_2.10GHz",
        "cpu_vendor=GenuineIntel",
        "cpu_sockets=2",
        "cpu_cores=4",
        "cpu_threads=8",
        "numa_nodes=2",
        "hugepage_sizes=2M/1G",
        "memory_mb=64232",
        "disk_kind=hdd",
        "gpus=2",
        "gpu_vendors=nvidia",
        "cgroups=v1",
        "os=centos",
        "os_version=7",
        "os_name=CentOS_Linux_7_Core",
        "virtualization=none",
        "machine_vendor=Dell_Inc.",
        "machine_model=PowerEdge_R740xd",
    ];
    assert_eq!(facts(&machine.detect()), expected, "an old kernel does not tell its architecture in a file");
}

#[test]
fn an_arm_machine_of_a_cloud_is_seen_as_it_is() {
    let machine = Machine::named("arm-cloud");
    let expected = [
        "kernel=6.8.0-1021-aws",
        "kernel_version=23_22.04.1-Ubuntu_SMP_Tue_Dec_10_16_31_58_UTC_2024",
        "architecture=aarch64",
        "cpu_model=Neoverse-N1",
        "cpu_vendor=ARM",
        "cpu_sockets=1",
        "cpu_cores=3",
        "cpu_threads=3",
        "numa_nodes=1",
        "hugepage_sizes=64k/2M/32M/1G",
        "memory_mb=7796",
        "disk_kind=nvme",
        "gpus=0",
        "cgroups=v2",
        "os=ubuntu",
        "os_version=22.04",
        "os_name=Ubuntu_22.04.5_LTS",
        "cloud=amazon",
        "machine_vendor=Amazon_EC2",
        "machine_model=m6gd.large",
    ];
    assert_eq!(facts(&machine.detect()), expected, "ARM has no flag that tells of a hypervisor");
}

#[test]
fn a_container_in_a_virtual_machine_is_seen_as_it_is() {
    let machine = Machine::named("virtual-machine");
    let expected = [
        "kernel=5.10.0-32-amd64",
        "kernel_version=1_SMP_Debian_5.10.223-1_2024-08-10",
        "cpu_model=AMD_EPYC_7543_32-Core_Processor",
        "cpu_vendor=AuthenticAMD",
        "cpu_sockets=2",
        "cpu_cores=2",
        "cpu_threads=2",
        "memory_mb=1982",
        "gpus=1",
        "gpu_vendors=amd",
        "cgroups=hybrid",
        "os=alpine",
        "os_version=3.20.3",
        "os_name=Alpine_Linux_v3.20",
        "virtualization=kvm",
        "machine_vendor=QEMU",
        "machine_model=Standard_PC_Q35_ICH9_2009",
    ];
    assert_eq!(facts(&machine.detect()), expected, "no disk is known below an overlay");
}

#[test]
fn the_machines_together_have_every_fact_and_each_is_of_its_kind() {
    let mut seen = BTreeSet::new();
    for name in ["two-sockets", "arm-cloud", "virtual-machine"] {
        for (name, value) in Machine::named(name).detect().facts() {
            let fact = FACTS.iter().find(|fact| fact.name == name).unwrap();
            assert!(fact.kind() == FactKind::Text || value.parse::<u64>().is_ok(), "{name}={value}");
            seen.insert(name);
        }
    }
    assert_eq!(seen, FACTS.iter().map(|fact| fact.name).collect::<BTreeSet<_>>());
}

#[test]
fn fields_keep_what_the_machine_says_and_facts_are_cleaned() {
    let host = Machine::named("two-sockets").detect();
    assert_eq!(host.cpu_model.as_deref(), Some("Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz"));
    assert_eq!(host.kernel_version.as_deref(), Some("#1 SMP Mon Oct 19 16:18:59 UTC 2020"));
    assert_eq!(host.memory_bytes, Some(65_774_292 * 1024));
    assert_eq!(host.hugepage_kibibytes, Some(BTreeSet::from([2048, 1_048_576])));
    assert_eq!(host.cgroups, Some(Cgroups::V1));
}

#[test]
fn the_disk_of_a_path_is_the_slowest_device_below_its_mount() {
    let machine = Machine::named("two-sockets");
    let kind = |path: &str| disk_kind(machine.root(), path);
    assert_eq!(kind("/var/lib/mesos"), Some(DiskKind::Hdd), "a volume on a mirror of two rotating disks");
    assert_eq!(kind("/srv/fast disk/mesos"), Some(DiskKind::Ssd), "a partition, and a blank in the path");
    assert_eq!(kind("/mnt/home/x"), None, "on the network");
    assert_eq!(kind("/run"), None, "in memory");
    assert_eq!(kind("var"), None, "relative");

    let machine = Machine::named("arm-cloud");
    let kind = |path: &str| disk_kind(machine.root(), path);
    assert_eq!(
        kind("/etc"),
        Some(DiskKind::Nvme),
        "by the source of the mount: btrfs has device numbers of its own"
    );
    assert_eq!(kind("/var/lib/mesos/slaves"), Some(DiskKind::Nvme));
    assert_eq!(kind("/secret/x"), Some(DiskKind::Nvme), "encrypted");

    let machine = Machine::named("virtual-machine");
    let host = machine.detect();
    assert_eq!(host.disk_kind, None);
    let host = host.with_disk_of(machine.root(), "/data/mesos");
    assert_eq!(host.disk_kind, Some(DiskKind::Hdd), "as the hypervisor says");
    assert_eq!(host.facts()["disk_kind"], "hdd");
}

#[test]
fn one_slow_or_unknown_member_decides_for_an_array() {
    let machine = Machine::named("two-sockets");
    let block = "/sys/devices/virtual/block";
    let kind = || disk_kind(machine.root(), "/");
    machine.write("/sys/devices/pci0000:00/0000:00:17.0/ata0/block/sda/queue/rotational", "0\n");
    assert_eq!(kind(), Some(DiskKind::Hdd), "one of two still rotates");
    machine.write("/sys/devices/pci0000:00/0000:00:17.0/ata1/block/sdb/queue/rotational", "0\n");
    assert_eq!(kind(), Some(DiskKind::Ssd));
    machine.link(&format!("{block}/md0/slaves/sdz1"), "../../nowhere");
    assert_eq!(kind(), None, "the one that is not known could be the slowest");
}

#[test]
fn a_path_behind_a_link_is_on_the_disk_it_leads_to() {
    let machine = Machine::named("two-sockets");
    machine.folder("/srv/fast disk/mesos");
    machine.link("/var/lib/mesos", "../../srv/fast disk/mesos");
    assert_eq!(disk_kind(machine.root(), "/var/lib/mesos"), Some(DiskKind::Ssd));
    let below = disk_kind(machine.root(), "/var/lib/mesos/not/made/yet");
    assert_eq!(below, Some(DiskKind::Ssd), "also of what will be made below it");
}

/// What the firmware says, a flag of the processor, and what follows for virtualization and cloud.
type Said =
    (&'static [(&'static str, &'static str)], &'static str, Option<&'static str>, Option<&'static str>);

const SAID: [Said; 8] = [
    (&[("sys_vendor", "Amazon EC2"), ("product_name", "m5.metal")], "", Some("none"), Some("amazon")),
    (&[("sys_vendor", "Amazon EC2")], "hypervisor", Some("vm"), Some("amazon")),
    (&[("product_name", "Google Compute Engine")], "hypervisor", Some("vm"), Some("google")),
    (
        &[("product_name", "Virtual Machine"), ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77")],
        "hypervisor",
        Some("hyperv"),
        Some("azure"),
    ),
    (&[("sys_vendor", "VMware, Inc.")], "hypervisor", Some("vmware"), None),
    (&[("sys_vendor", "QEMU")], "", Some("kvm"), None),
    (&[("product_name", "OpenStack Nova")], "hypervisor", Some("kvm"), Some("openstack")),
    (&[], "hypervisor", Some("vm"), None),
];

#[test]
fn clouds_and_hypervisors_are_told_by_the_firmware() {
    for (said, flag, virtualization, cloud) in SAID {
        let machine = Machine::empty();
        machine.write("/proc/cpuinfo", format!("processor\t: 0\nflags\t\t: fpu {flag}\n\n"));
        for (file, value) in said {
            machine.write(&format!("/sys/class/dmi/id/{file}"), format!("{value}\n"));
        }
        let host = machine.detect();
        assert_eq!((host.virtualization, host.cloud), (virtualization, cloud), "{said:?} {flag}");
    }
    let machine = Machine::empty();
    machine.write("/sys/hypervisor/type", "xen\n");
    assert_eq!(machine.detect().virtualization, Some("xen"));
}

#[test]
fn graphics_processors_are_counted_by_bus_or_device_whichever_shows_more() {
    let machine = Machine::named("two-sockets");
    let count = || machine.detect().gpus.unwrap().count;
    machine.write("/sys/bus/pci/devices/0000:d8:00.2/class", "0x030200\n");
    machine.write("/sys/bus/pci/devices/0000:d8:00.2/vendor", "0x10de\n");
    machine.link("/sys/bus/pci/devices/0000:d8:00.2/physfn", "../0000:d8:00.0");
    assert_eq!(count(), 2, "a virtual function is part of another device");
    machine.write("/dev/nvidia2", "");
    assert_eq!(count(), 3, "one that the bus does not show");
    machine.write("/sys/bus/pci/devices/0000:f0:00.0/class", "0x038000\n");
    machine.write("/sys/bus/pci/devices/0000:f0:00.0/vendor", "0x1002\n");
    assert_eq!(count(), 4);
    assert_eq!(machine.detect().facts()["gpu_vendors"], "amd/nvidia");
}
