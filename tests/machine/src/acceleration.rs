//! KVM or software emulation.

use std::env;
use std::fs::{self, OpenOptions};
use std::time::Duration;

use apportion_rig::cache::write_file;

use crate::error::MachineError;
use crate::machine::Hardware;
use crate::scenario::Scenario;
use crate::tree::Tree;

const DEVICE: &str = "/dev/kvm";
/// A new number with every boot of this machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const VARIABLE: &str = "APPORTION_MACHINE_ACCELERATION";
/// A machine without Mesos is up and down again within two seconds with KVM.
const TRIAL_LIMIT: Duration = Duration::from_secs(10);

/// How a machine's processors are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceleration {
    /// By this machine's processors.
    Kvm,
    /// By qemu's translator: works everywhere, and takes several times as long.
    Software,
}

impl Acceleration {
    /// Accelerator and processor, as qemu spells them.
    pub(crate) fn options(self) -> (&'static str, &'static str) {
        match self {
            Acceleration::Kvm => ("kvm", "host"),
            Acceleration::Software => ("tcg", "max"),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Acceleration::Kvm => "kvm",
            Acceleration::Software => "software",
        }
    }

    fn of_word(word: &str) -> Option<Acceleration> {
        [Acceleration::Kvm, Acceleration::Software].into_iter().find(|kind| kind.word() == word)
    }
}

/// What the environment asks for; else KVM if a machine boots with it, which is tried once after each boot of this
/// machine: there are systems where the device can be opened, and no ordinary kernel runs.
///
/// # Errors
/// A variable with another word; a file of the cache that cannot be written.
pub(crate) fn choose(
    hardware: &Hardware,
    progress: &mut dyn FnMut(&str),
) -> Result<Acceleration, MachineError> {
    if let Some(word) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        let word = word.to_string_lossy();
        return Acceleration::of_word(&word).ok_or_else(|| MachineError::Setting {
            setting: VARIABLE,
            detail: format!("'kvm' or 'software' is wanted, found '{word}'"),
        });
    }
    if OpenOptions::new().read(true).write(true).open(DEVICE).is_err() {
        return Ok(Acceleration::Software);
    }
    let remembered = hardware.cache.path("machine-acceleration");
    let boot_id = fs::read_to_string(BOOT_ID).unwrap_or_default();
    let known = fs::read_to_string(&remembered).unwrap_or_default();
    if let Some(word) = known.strip_prefix(&boot_id)
        && let Some(kind) = Acceleration::of_word(word.trim())
    {
        return Ok(kind);
    }
    progress("trying whether a machine boots with KVM");
    let kind = trial(hardware);
    write_file(&remembered, format!("{boot_id}{}\n", kind.word()))?;
    Ok(kind)
}

fn trial(hardware: &Hardware) -> Acceleration {
    let scenario = Scenario::script("exit 0").memory_mib(256).within(TRIAL_LIMIT);
    match hardware.boot_within(Duration::ZERO, Acceleration::Kvm, Tree::default(), &scenario) {
        Ok(outcome) if outcome.exit_code == 0 => Acceleration::Kvm,
        // Whatever the reason is, the other way remains.
        _ => Acceleration::Software,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_variable_are_read_back() {
        for kind in [Acceleration::Kvm, Acceleration::Software] {
            assert_eq!(Acceleration::of_word(kind.word()), Some(kind));
        }
        assert_eq!(Acceleration::of_word("KVM"), None);
    }
}
