//! What the finished library takes from its host and gives to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use apportion_rig::Rig;
use object::{Object, ObjectSymbol};

/// Names of dynamic symbols: those defined, or those wanted.
fn symbols(path: &Path, defined: bool) -> BTreeSet<String> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = object::File::parse(&*bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.dynamic_symbols()
        .filter(|symbol| symbol.is_undefined() != defined && symbol.is_global())
        .filter_map(|symbol| symbol.name().ok().filter(|name| !name.is_empty()).map(str::to_owned))
        .collect()
}

fn library() -> PathBuf {
    apportion_shim_tests::library_under_test()
}

/// Names of the C++ standard library, which every host has: `std::`, its vtables and typeinfos, new and delete.
fn is_standard(name: &str) -> bool {
    let standard =
        ["_ZS", "_ZNS", "_ZNKS", "_ZTVS", "_ZTIS", "_ZTVN10__cxxabiv1", "_ZTIN10__cxxabiv1", "_Zn", "_Zd"];
    standard.iter().any(|prefix| name.starts_with(prefix))
}

/// The C++ names that the library takes from Mesos, libprocess, protobuf and glog.
fn imported() -> BTreeSet<String> {
    symbols(&library(), false)
        .into_iter()
        .filter(|name| name.starts_with("_Z") && !is_standard(name))
        .collect()
}

#[test]
fn the_library_exports_its_manifests_and_nothing_else() {
    let exported: Vec<String> =
        symbols(&library(), true).into_iter().filter(|name| !name.starts_with("cxxbridge1$")).collect();
    let expected = [
        "org_apportion_Allocator",
        "org_apportion_Hook",
        "org_apportion_Isolator",
        "org_apportion_Isolator/cgroups/cpu/cgroups/mem",
        "org_apportion_QoSController",
    ];
    assert_eq!(exported, expected);
}

#[test]
fn the_host_defines_everything_that_the_library_imports() {
    let rig = Rig::prepare(|step| eprintln!("{step}")).unwrap_or_else(|error| panic!("{error}"));
    let offered = symbols(rig.mesos_binary(), true);
    assert!(offered.len() > 100_000, "the Mesos binary exports everything: {}", offered.len());
    let missing: Vec<String> = imported().into_iter().filter(|name| !offered.contains(name)).collect();
    assert!(missing.is_empty(), "not in the Mesos binary: {missing:#?}");
}

#[test]
fn the_imported_names_are_the_ones_on_record() {
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("imported-symbols.txt");
    let text =
        std::fs::read_to_string(&record).unwrap_or_else(|error| panic!("{}: {error}", record.display()));
    let recorded: BTreeSet<String> =
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let imported = imported();
    let new: Vec<&String> = imported.difference(&recorded).collect();
    let gone: Vec<&String> = recorded.difference(&imported).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "imported but not on record: {new:#?}\non record but not imported: {gone:#?}\n\
         Another name is another fact relied on: check its result type and strength, then change {}.",
        record.display()
    );
}

#[test]
fn the_library_links_to_nothing_of_mesos() {
    let bytes = std::fs::read(library()).unwrap_or_else(|error| panic!("{error}"));
    let file = object::File::parse(&*bytes).unwrap_or_else(|error| panic!("{error}"));
    assert!(file.is_64());
    let needed: Vec<String> = needed(&bytes);
    let allowed = ["libstdc++.so.6", "libgcc_s.so.1", "libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"];
    let foreign: Vec<&String> = needed.iter().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert!(!needed.is_empty() && foreign.is_empty(), "{needed:?}");
}

/// The libraries that the dynamic section names.
fn needed(bytes: &[u8]) -> Vec<String> {
    use object::elf::DT_NEEDED;
    use object::read::elf::{Dyn as _, ElfFile64, FileHeader as _, SectionHeader as _};
    let file: ElfFile64<'_> = ElfFile64::parse(bytes).unwrap_or_else(|error| panic!("{error}"));
    let endian = file.endian();
    let sections = file.elf_header().sections(endian, bytes).unwrap_or_else(|error| panic!("{error}"));
    let (entries, strings) = sections
        .dynamic(endian, bytes)
        .unwrap_or_else(|error| panic!("{error}"))
        .unwrap_or_else(|| panic!("no dynamic section"));
    let strings = sections
        .section(strings)
        .and_then(|section| section.strings(endian, bytes))
        .unwrap_or_else(|error| panic!("{error}"))
        .unwrap_or_default();
    entries
        .iter()
        .filter(|entry| entry.tag(endian) == DT_NEEDED)
        .filter_map(|entry| entry.string(endian, strings).ok())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}
