//! Writes the seed corpus to `seeds/`, one folder for each target.
#![forbid(unsafe_code)]

use std::fs;
use std::io;

use apportion_fuzz_targets::seeds;

fn main() -> io::Result<()> {
    let folder = seeds::folder();
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    for seed in seeds::all() {
        let of_target = folder.join(seed.target);
        fs::create_dir_all(&of_target)?;
        fs::write(of_target.join(&seed.name), &seed.bytes)?;
    }
    Ok(())
}
