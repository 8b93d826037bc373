//! What runs inside the groups: this same program with the word `hog`.

use std::io::Read;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// Waits for a byte or the end of its input, so that it is in its group before it does anything; then does one thing.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let mut gate = [0_u8; 1];
    let _ = std::io::stdin().read(&mut gate);
    let number = arguments.get(1).and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    match arguments.first().map(String::as_str) {
        Some("spin") => loop {
            std::hint::spin_loop();
        },
        Some("memory") => {
            let mut kept = Vec::new();
            for _ in 0..number {
                kept.push(vec![1_u8; 1 << 20]);
            }
            rest(&kept)
        }
        Some("fork") => rest(&(0..number).map(|_| spawn("sleep").is_ok()).collect::<Vec<_>>()),
        Some("bomb") => loop {
            let _ = spawn("bomb");
        },
        Some("sleep") => rest(&()),
        _ => ExitCode::FAILURE,
    }
}

fn spawn(kind: &str) -> std::io::Result<std::process::Child> {
    let program = std::env::current_exe()?;
    Command::new(program)
        .args(["hog", kind])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

fn rest<T>(kept: &T) -> ! {
    loop {
        std::hint::black_box(kept);
        std::thread::sleep(Duration::from_secs(1));
    }
}
