//! The seeds in the tree are those made from source, and every target stands them.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;

use apportion_fuzz_targets::TARGETS;
use apportion_fuzz_targets::seeds::{self, Seed};

#[test]
fn the_seeds_in_the_tree_are_those_made_from_source() {
    let mut there: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for folder in fs::read_dir(seeds::folder()).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(seeds::folder()).unwrap().display().to_string();
            there.insert(name, fs::read(&path).unwrap());
        }
    }
    let made = seeds::all().into_iter().map(|seed| (format!("{}/{}", seed.target, seed.name), seed.bytes));
    let made: BTreeMap<String, Vec<u8>> = made.collect();
    let names = |of: &BTreeMap<String, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&there), names(&made), "write them anew: cargo run --example write_seeds");
    assert!(there == made, "write them anew: cargo run --example write_seeds");
}

#[test]
fn every_target_stands_its_seeds() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for Seed { target, bytes, .. } in seeds::all() {
        *counts.entry(target).or_default() += 1;
        let (_, run) = TARGETS.iter().find(|(name, _)| *name == target).unwrap();
        run(&bytes);
    }
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), TARGETS.map(|(name, _)| name));
    assert!(counts.values().all(|count| *count >= 8), "{counts:?}");
}
