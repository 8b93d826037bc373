//! What was measured on, and of what.

use std::path::Path;
use std::process::Command;

use procfs::{CpuInfo, Current as _, Meminfo};
use serde_json::{Value, json};

/// The machine, and the commit that was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Model of the processor.
    pub processor: String,
    /// How many of them the system has.
    pub processors: usize,
    /// Millions of bytes of memory.
    pub memory_mb: u64,
    /// Release of the kernel.
    pub kernel: String,
    /// The commit, short.
    pub commit: String,
    /// Day of the measurement, if told, else of the commit.
    pub date: String,
}

impl Machine {
    /// This machine, and the commit of the sources at `checkout`.
    #[must_use]
    pub fn here(checkout: &Path, date: Option<String>) -> Machine {
        let processor = CpuInfo::current().ok().and_then(|info| info.model_name(0).map(str::to_owned));
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Machine {
            processor: processor.unwrap_or_else(|| "unknown".to_owned()),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mb: Meminfo::current().map_or(0, |memory| memory.mem_total / 1_000_000),
            kernel: kernel.trim().to_owned(),
            commit: commit(checkout),
            date: date.unwrap_or_else(|| git(checkout, &["show", "--no-patch", "--format=%cs"])),
        }
    }

    /// For a file.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "processor": self.processor,
            "processors": self.processors,
            "memory_mb": self.memory_mb,
            "kernel": self.kernel,
            "commit": self.commit,
            "date": self.date,
        })
    }

    /// Out of a file.
    #[must_use]
    pub fn from_json(json: &Value) -> Machine {
        let text = |key: &str| json[key].as_str().unwrap_or("unknown").to_owned();
        Machine {
            processor: text("processor"),
            processors: json["processors"]
                .as_u64()
                .and_then(|count| usize::try_from(count).ok())
                .unwrap_or(0),
            memory_mb: json["memory_mb"].as_u64().unwrap_or(0),
            kernel: text("kernel"),
            commit: text("commit"),
            date: text("date"),
        }
    }

    /// Names what else was taken in, too.
    pub fn add(&mut self, other: &Machine) {
        if !self.commit.split(", ").any(|commit| commit == other.commit) {
            self.commit = format!("{}, {}", other.commit, self.commit);
        }
        if self.processor != other.processor {
            self.processor = format!("{} and {}", other.processor, self.processor);
        }
    }

    /// In one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "{} × {}, {} GB of memory, Linux {}; commit {}, {}",
            self.processors,
            self.processor,
            self.memory_mb.div_ceil(1000),
            self.kernel,
            self.commit,
            self.date
        )
    }
}

fn commit(checkout: &Path) -> String {
    let commit = git(checkout, &["rev-parse", "--short", "HEAD"]);
    let changed = git(checkout, &["status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs"]);
    if changed.is_empty() { commit } else { format!("{commit} with changes") }
}

/// What git prints, or nothing where there is no repository.
fn git(checkout: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(checkout).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
