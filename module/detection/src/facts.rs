//! The names under which facts of the host are known, and what their text may hold.

use crate::host::Host;

/// Most characters of a fact.
pub const ATTRIBUTE_CHARS_MAX: usize = 128;

/// Whether a fact is a number.
///
/// Mesos matches the text forms of offer constraints against attributes of type TEXT only, so an attribute that
/// frameworks select by should be one, whatever it looks like: version `12` of a distribution is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FactKind {
    /// A whole number without sign, in decimal digits.
    Number,
    /// Letters, digits, `_`, `/`, `.` and `-`.
    Text,
}

/// A fact of the host, as rules name it.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    /// Name behind `host.`, for example `kernel`.
    pub name: &'static str,
    /// What it is, in one line of Markdown.
    pub documentation: &'static str,
    value: Value,
}

/// Where the value of a fact is.
#[derive(Debug, Clone, Copy)]
enum Value {
    Number(fn(&Host) -> Option<usize>),
    Text(fn(&Host) -> Option<String>),
}

impl Fact {
    /// The fact of this name, or `None`.
    pub fn named(name: &str) -> Option<&'static Fact> {
        FACTS.iter().find(|fact| fact.name == name)
    }

    /// Whether it is a number.
    pub fn kind(&self) -> FactKind {
        match self.value {
            Value::Number(_) => FactKind::Number,
            Value::Text(_) => FactKind::Text,
        }
    }

    /// Its value for a host, fit for an attribute; `None` if the host does not tell.
    pub fn of(&self, host: &Host) -> Option<String> {
        match self.value {
            Value::Number(number) => number(host).map(|number| number.to_string()),
            Value::Text(text) => text(host).as_deref().and_then(attribute_text),
        }
    }
}

/// Every fact there is, in the order in which a reader would look for them.
pub const FACTS: [Fact; 22] = [
    text("kernel", "Release of the kernel, as `uname -r`: `5.15.0-105-generic`.", |host| host.kernel.clone()),
    text("kernel_version", "Build of the kernel, as `uname -v`.", |host| host.kernel_version.clone()),
    text("architecture", "Instruction set, as `uname -m`: `x86_64`, `aarch64`.", |host| {
        host.architecture.clone()
    }),
    text("cpu_model", "Model of the first processor; on ARM the name of the core.", |host| {
        host.cpu_model.clone()
    }),
    text("cpu_vendor", "Maker of the processor: `GenuineIntel`, `AuthenticAMD`, `ARM`.", |host| {
        host.cpu_vendor.clone()
    }),
    number("cpu_sockets", "Sockets with a processor that is on.", |host| host.cpu_sockets),
    number("cpu_cores", "Cores that are on, over all sockets.", |host| host.cpu_cores),
    number("cpu_threads", "Hardware threads that are on, over all cores.", |host| host.cpu_threads),
    number("numa_nodes", "NUMA nodes.", |host| host.numa_nodes),
    text("hugepage_sizes", "Sizes of huge pages the kernel offers, the smallest first: `2M/1G`.", |host| {
        host.hugepage_kibibytes.as_ref().map(|sizes| joined(sizes.iter().map(|size| page_size(*size))))
    }),
    number("memory_mb", "Memory the kernel manages, in MiB (Mesos says MB), rounded down.", |host| {
        usize::try_from(host.memory_bytes? >> 20).ok()
    }),
    text("disk_kind", "Disk that holds the agent's work folder: `hdd`, `ssd` or `nvme`.", |host| {
        Some(host.disk_kind?.name().to_owned())
    }),
    number("gpus", "Graphics processors and accelerators of AMD, Habana, Intel and NVIDIA.", |host| {
        host.gpus.as_ref().map(|gpus| gpus.count)
    }),
    text("gpu_vendors", "Who made them, by the alphabet: `amd/nvidia`.", |host| {
        host.gpus.as_ref().map(|gpus| joined(gpus.vendors.iter().map(|vendor| (*vendor).to_owned())))
    }),
    text("cgroups", "Control groups the agent sees: `v1`, `v2` or `hybrid`.", |host| {
        Some(host.cgroups?.name().to_owned())
    }),
    text("os", "Distribution, `ID` in os-release: `debian`.", |host| host.os.clone()),
    text("os_version", "Version of the distribution, `VERSION_ID` in os-release: `12`.", |host| {
        host.os_version.clone()
    }),
    text("os_name", "Name of the distribution for people, `PRETTY_NAME` in os-release.", |host| {
        host.os_name.clone()
    }),
    text(
        "virtualization",
        "Hypervisor by its own account: `kvm`, `vmware`, `xen`…; `vm` if it gives no name, `none` on bare metal.",
        |host| host.virtualization.map(str::to_owned),
    ),
    text("cloud", "Cloud whose machine it says it is: `amazon`, `azure`, `google`…", |host| {
        host.cloud.map(str::to_owned)
    }),
    text("machine_vendor", "Maker of the machine, by its firmware.", |host| host.machine_vendor.clone()),
    text(
        "machine_model",
        "Model of the machine, by its firmware; on clouds often the instance type.",
        |host| host.machine_model.clone(),
    ),
];

const fn number(name: &'static str, documentation: &'static str, value: fn(&Host) -> Option<usize>) -> Fact {
    Fact { name, documentation, value: Value::Number(value) }
}

const fn text(name: &'static str, documentation: &'static str, value: fn(&Host) -> Option<String>) -> Fact {
    Fact { name, documentation, value: Value::Text(value) }
}

/// Several values as one: a comma would end the attribute's value for the tools that write attributes in one line.
fn joined(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join("/")
}

/// A page size in the way of the kernel's command line.
fn page_size(kibibytes: u64) -> String {
    const MEBI: u64 = 1024;
    const GIBI: u64 = 1024 * MEBI;
    match kibibytes {
        0 => "0k".to_owned(),
        size if size % GIBI == 0 => format!("{}G", size / GIBI),
        size if size % MEBI == 0 => format!("{}M", size / MEBI),
        size => format!("{size}k"),
    }
}

/// Text as Mesos' documentation lets an attribute have it: letters, digits, `_`, `/`, `.` and `-`.
///
/// Each run of other characters becomes one `_`, and none is left at the beginning and the end; at most
/// [`ATTRIBUTE_CHARS_MAX`] characters stay. `None` if nothing is left.
///
/// ```
/// use apportion_detection::attribute_text;
///
/// let model = attribute_text("Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz");
/// assert_eq!(model.as_deref(), Some("Intel_R_Xeon_R_Gold_6230_CPU_2.10GHz"));
/// assert_eq!(attribute_text("#1 SMP; a,b=[1-2]").as_deref(), Some("1_SMP_a_b_1-2"));
/// assert_eq!(attribute_text(" ;, "), None);
/// ```
pub fn attribute_text(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-');
    let words = text.split(|c| !allowed(c)).filter(|word| !word.is_empty());
    let mut cleaned = String::new();
    for word in words {
        if cleaned.len() >= ATTRIBUTE_CHARS_MAX {
            break;
        }
        if !cleaned.is_empty() {
            cleaned.push('_');
        }
        cleaned.push_str(word);
    }
    // Only ASCII is left, so bytes are characters.
    cleaned.truncate(ATTRIBUTE_CHARS_MAX);
    (!cleaned.is_empty()).then_some(cleaned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_fact_has_a_name_of_its_own_and_one_line_of_documentation() {
        let names: BTreeSet<&str> = FACTS.iter().map(|fact| fact.name).collect();
        assert_eq!(names.len(), FACTS.len());
        for fact in FACTS {
            let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(fact.name.chars().all(is_name), "{}", fact.name);
            assert!(!fact.documentation.contains('\n') && fact.documentation.len() > 10, "{}", fact.name);
            assert_eq!(Fact::named(fact.name).unwrap().name, fact.name);
        }
        assert!(Fact::named("Kernel").is_none());
    }

    #[test]
    fn page_sizes_are_written_as_for_the_kernel() {
        let sizes = [0, 64, 2048, 32_768, 1_048_576, 16_777_216, u64::MAX].map(page_size);
        assert_eq!(sizes, ["0k", "64k", "2M", "32M", "1G", "16G", "18446744073709551615k"]);
    }

    #[test]
    fn text_that_is_fit_already_stays_as_it_is() {
        for fit in ["5.15.0-105-generic", "a_b", "_x_", "2M/1G", "12"] {
            assert_eq!(attribute_text(fit).as_deref(), Some(fit));
        }
        assert_eq!(attribute_text(&"x".repeat(500)).unwrap().len(), ATTRIBUTE_CHARS_MAX);
    }

    proptest! {
        #[test]
        fn whatever_the_text_what_stays_is_fit(text in any::<String>()) {
            if let Some(cleaned) = attribute_text(&text) {
                prop_assert!(cleaned.len() <= ATTRIBUTE_CHARS_MAX && !cleaned.is_empty());
                prop_assert!(cleaned.bytes().all(|b| b.is_ascii_alphanumeric() || b"_/.-".contains(&b)));
                prop_assert_eq!(attribute_text(&cleaned), Some(cleaned), "cleaned once is enough");
            } else {
                prop_assert!(!text.bytes().any(|b| b.is_ascii_alphanumeric()));
            }
        }
    }
}
