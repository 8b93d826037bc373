//! Where it was measured.

use std::process::Command;

use procfs::{CpuInfo, Current, LoadAverage, Meminfo};

/// Processors, memory and kernel, and what else the machine may have done, as a line of text.
pub(crate) fn description() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let model = CpuInfo::current().ok().and_then(|info| info.model_name(0).map(str::to_owned));
    let model = model.unwrap_or_else(|| "unknown model".to_owned());
    let memory = Meminfo::current().map_or(0, |memory| memory.mem_total.div_ceil(1 << 30));
    let kernel = procfs::sys::kernel::Version::current();
    let kernel =
        kernel.map_or_else(|_| String::new(), |it| format!(", Linux {}.{}.{}", it.major, it.minor, it.patch));
    let load = LoadAverage::current();
    let load = load.map_or_else(|_| String::new(), |load| format!(", load {:.1} at the end", load.one));
    format!("{processors} processors ({model}), {memory} GB{kernel}{load}")
}

/// The commit of the folder this runs in, as git has it.
pub(crate) fn commit() -> String {
    let described = Command::new("git").args(["describe", "--always", "--dirty", "--exclude=*"]).output();
    let described = described.ok().filter(|output| output.status.success());
    let text = described.and_then(|output| String::from_utf8(output.stdout).ok());
    text.map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}
