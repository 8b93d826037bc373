//! One process of the driver, from its start to its last line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::driver::{Driver, Side};
use crate::figures::{Sample, Told};
use crate::workload::Run;

/// How a process is run.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// After this time the process is ended.
    pub time: Duration,
    /// Rounds, if not those of the workload.
    pub rounds: Option<u64>,
}

/// Runs one workload with one allocator. `progress` hears of each step.
///
/// # Errors
/// When the process cannot be started, or does not end as it should; the end of its log is in the text.
pub fn run(
    driver: &Driver,
    run: &Run,
    side: Side,
    limits: Limits,
    log: &Path,
    mut progress: impl FnMut(&str),
) -> Result<Told, String> {
    let rounds = limits.rounds.unwrap_or(run.rounds_of(side));
    let file = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
    let mut command = driver.command(side, run, rounds).map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
    let child = command.spawn().map_err(|error| format!("cannot start the launcher: {error}"))?;
    let mut guard = Guard(child);
    let output = guard.0.stdout.take().ok_or("the launcher has no output")?;
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let told = listen(&lines, side, limits.time, &mut progress);
    if !matches!(&told, Ok(told) if told.cut_after.is_none()) {
        // Its output ends, and with it the reader.
        let _ = guard.0.kill();
    }
    let status = guard.0.wait();
    let _ = reader.join();
    told.map_err(|problem| {
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        format!("{} with {}: {problem} ({status}); its log ends:\n{}", run.name, side.name(), end_of(log))
    })
}

/// Ends the process when nobody waits for it any more.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn listen(
    lines: &mpsc::Receiver<String>,
    side: Side,
    time: Duration,
    progress: &mut impl FnMut(&str),
) -> Result<Told, String> {
    let end = Instant::now() + time;
    let mut told = Told::default();
    let mut step = "start".to_owned();
    loop {
        let line = match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return Ok(Told { cut_after: Some(time.as_secs()), ..told }),
            Err(RecvTimeoutError::Disconnected) => return Err(format!("it ended while {step}")),
        };
        let line: Value =
            serde_json::from_str(&line).map_err(|error| format!("found {line}, expected JSON: {error}"))?;
        if let Some(text) = line["step"].as_str() {
            text.clone_into(&mut step);
            progress(&step);
        } else if let Some(class) = line["class"].as_str() {
            if !class.contains(side.class()) {
                return Err(format!("found an allocator of class {class}, expected {}", side.class()));
            }
        } else if let (Some(series), Some(value)) = (line["series"].as_str(), line["value"].as_f64()) {
            let sample = Sample { value, offers: line["offers"].as_u64() };
            told.series.entry(series.to_owned()).or_default().samples.push(sample);
        } else if let (Some(name), Some(buckets)) = (line["histogram"].as_str(), line["buckets"].as_array()) {
            let bucket = |pair: &Value| Some((pair[0].as_f64()?, pair[1].as_u64()?));
            told.histograms.insert(name.to_owned(), buckets.iter().filter_map(bucket).collect());
        } else if line["done"] == true {
            return Ok(told);
        }
    }
}

/// The last lines of a log.
fn end_of(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
