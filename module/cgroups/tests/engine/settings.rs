//! The table in `settings.md` is what the plans do. `BLESS=1` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use apportion_cgroups::{
    Abilities, Bound, CpuSet, DeviceLimits, IoWeightFile, Limits, Numbers, PageSize, Plan, Version,
};

const HEAD: &str = "\
| setting | value | v2 file | v2 text | v1 file | v1 text |
|---|---|---|---|---|---|
";

type Case = (&'static str, &'static str, fn(&mut Limits));

const CASES: [Case; 21] = [
    ("weight of 1 CPU and a half", "1536 shares", |limits| limits.cpu.shares = 1536),
    ("fewest shares", "2 shares", |limits| limits.cpu.shares = 2),
    ("quota of 2 CPUs", "200 ms in 100 ms", |limits| limits.cpu.quota_us = Bound::At(200_000)),
    ("smallest quota", "1 ms in 100 ms", |limits| limits.cpu.quota_us = Bound::At(1_000)),
    ("quota with burst", "50 ms in 100 ms, burst 20 ms", |limits| {
        limits.cpu.quota_us = Bound::At(50_000);
        limits.cpu.burst_us = 20_000;
    }),
    ("memory min", "64 MiB", |limits| limits.memory.min = 64 << 20),
    ("memory low", "64 MiB", |limits| limits.memory.low = 64 << 20),
    ("memory high", "96 MiB", |limits| limits.memory.high = Bound::At(96 << 20)),
    ("memory max", "128 MiB", |limits| limits.memory.max = Bound::At(128 << 20)),
    ("memory max without swap", "128 MiB, swap 0", |limits| {
        limits.memory.max = Bound::At(128 << 20);
        limits.memory.swap = Bound::At(0);
    }),
    ("memory max with swap", "128 MiB, swap 32 MiB", |limits| {
        limits.memory.max = Bound::At(128 << 20);
        limits.memory.swap = Bound::At(32 << 20);
    }),
    ("pids", "512", |limits| limits.pids = Bound::At(512)),
    ("io weight", "100 is the default; 500", |limits| limits.io.weight = Some(500)),
    ("io weight, BFQ", "500", |limits| limits.io.weight = Some(500)),
    ("io weight, CFQ", "150", |limits| limits.io.weight = Some(150)),
    ("io read bytes", "1 MB/s", |limits| {
        device(limits, DeviceLimits { read_bytes: Bound::At(1_000_000), ..DeviceLimits::default() });
    }),
    ("io writes and written bytes", "100/s, 1 MB/s", |limits| {
        let ceilings = DeviceLimits {
            write_bytes: Bound::At(1_000_000),
            writes: Bound::At(100),
            ..DeviceLimits::default()
        };
        device(limits, ceilings);
    }),
    ("CPUs", "0, 1, 2, 8", |limits| {
        limits.cpuset = CpuSet { cpus: numbers(&[0, 1, 2, 8]), ..CpuSet::default() }
    }),
    ("memory nodes", "0", |limits| limits.cpuset = CpuSet { mems: numbers(&[0]), ..CpuSet::default() }),
    ("huge pages of 2 MB", "16 MiB", |limits| huge(limits, "2MB", 16 << 20)),
    ("huge pages of 1 GB", "none", |limits| huge(limits, "1GB", 0)),
];

fn device(limits: &mut Limits, ceilings: DeviceLimits) {
    limits.io.devices = BTreeMap::from([("8:0".parse().unwrap(), ceilings)]);
}

fn numbers(numbers: &[u32]) -> Numbers {
    Numbers(BTreeSet::from_iter(numbers.iter().copied()))
}

fn huge(limits: &mut Limits, size: &str, bytes: u64) {
    limits.hugetlb = BTreeMap::from([(PageSize::new(size).unwrap(), Bound::At(bytes))]);
}

fn row(case: &Case) -> String {
    let (name, value, set) = case;
    let mut limits = Limits::default();
    set(&mut limits);
    let cells: Vec<(String, String)> = [Version::V2, Version::V1]
        .into_iter()
        .map(|version| {
            let mut abilities = Abilities::all(version);
            abilities.io_weight = match (*name, version) {
                ("io weight, BFQ", _) => Some(IoWeightFile::Bfq),
                ("io weight, CFQ", Version::V1) => Some(IoWeightFile::Legacy),
                ("io weight, CFQ", Version::V2) => None,
                _ => abilities.io_weight,
            };
            let Ok(plan) = Plan::create(&limits, &abilities) else {
                return ("refused".to_owned(), "—".to_owned());
            };
            let code = |of: fn(&apportion_cgroups::Write) -> &str| {
                let texts: Vec<String> = plan.writes().map(|write| format!("`{}`", of(write))).collect();
                if texts.is_empty() { "—".to_owned() } else { texts.join(", ") }
            };
            (code(|write| &write.file), code(|write| &write.text))
        })
        .collect();
    let mut line = format!("| {name} | {value} |");
    for (file, text) in cells {
        write!(line, " {file} | {text} |").unwrap();
    }
    line + "\n"
}

#[test]
fn the_table_of_settings_is_what_is_written() {
    let table = HEAD.to_owned() + &CASES.iter().map(row).collect::<String>();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/settings.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap();
    assert_eq!(there, table, "run this test with BLESS=1 to write the table anew");
}
