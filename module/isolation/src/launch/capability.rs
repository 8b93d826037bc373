//! Names and numbers of capabilities.

use std::fmt;

use super::Capability;

/// The last capability that Mesos 1.11 has a name for: `AUDIT_READ`. The kernel has had more since.
pub(crate) const MESOS_LAST: u8 = 37;

/// What Mesos adds to the kernel's numbers in its `CapabilityInfo.Capability`.
const MESOS_OFFSET: i32 = 1000;

impl Capability {
    /// The capability of this name, in capitals or not, with `CAP_` in front or not.
    ///
    /// ```
    /// use apportion_isolation::Capability;
    ///
    /// let admin = Capability::named("CAP_NET_ADMIN");
    /// assert_eq!(admin, Capability::named("net_admin"));
    /// assert_eq!(admin.map(Capability::number), Some(12));
    /// assert_eq!(Capability::named("NET_KING"), None);
    /// ```
    pub fn named(name: &str) -> Option<Capability> {
        // Some letters beyond ASCII have capitals within it.
        let canonical = name.is_ascii().then(|| caps::to_canonical(name))?;
        canonical.parse().ok().map(|known: caps::Capability| Capability(known.index()))
    }

    /// All that have a name, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Capability> {
        let mut numbers: Vec<u8> = caps::all().iter().map(caps::Capability::index).collect();
        numbers.sort_unstable();
        numbers.into_iter().map(Capability)
    }

    /// The kernel's name without `CAP_`, such as `NET_ADMIN`.
    pub fn name(self) -> String {
        let known = caps::all().into_iter().find(|known| known.index() == self.0);
        let name = known.map(|known| known.to_string()).unwrap_or_default();
        name.strip_prefix("CAP_").unwrap_or(&name).to_owned()
    }

    /// The kernel's number, such as 12 for `NET_ADMIN`.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Number in Mesos' `CapabilityInfo.Capability`: 1012 for `NET_ADMIN`.
    ///
    /// `None` for those that Mesos 1.11 has no number for: `PERFMON`, `BPF`, `CHECKPOINT_RESTORE`.
    pub fn mesos_number(self) -> Option<i32> {
        (self.0 <= MESOS_LAST).then(|| MESOS_OFFSET + i32::from(self.0))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_is_found_by_its_name_however_it_is_written() {
        assert_eq!(Capability::all().count(), 41);
        for (at, capability) in Capability::all().enumerate() {
            assert_eq!(usize::from(capability.number()), at);
            let name = capability.name();
            let long = format!("CAP_{name}");
            for written in [name.clone(), long.clone(), name.to_lowercase(), long.to_lowercase()] {
                assert_eq!(Capability::named(&written), Some(capability), "{written}");
            }
        }
        assert_eq!(Capability::named("AUDIT_READ").map(Capability::number), Some(37));
    }

    #[test]
    fn what_is_no_capability_is_not_found() {
        for name in ["", "CAP_", "ALL", "CAP_CAP_KILL", " KILL", "KILL ", "12", "\u{17f}yslog", "SYS-ADMIN"] {
            assert_eq!(Capability::named(name), None, "{name}");
        }
    }

    #[test]
    fn capabilities_newer_than_mesos_have_no_number_there() {
        let number = |name| Capability::named(name).unwrap().mesos_number();
        assert_eq!(number("CHOWN"), Some(1000));
        assert_eq!(number("AUDIT_READ"), Some(1037));
        assert_eq!(["PERFMON", "BPF", "CHECKPOINT_RESTORE"].map(number), [None; 3]);
    }
}
