//! The host's services, by way of C++: an exception there becomes an `Err` here.

use apportion_bridge::{Host, Severity};

#[cxx::bridge(namespace = "apportion")]
mod ffi {
    unsafe extern "C++" {
        include!("host_services.hpp");

        /// Whether the host writes lines of this severity.
        fn log_enabled(severity: i32) -> Result<bool>;
        /// Writes one line to the host's log.
        fn log_line(severity: i32, file: &[u8], line: u32, text: &[u8]) -> Result<()>;
    }
}

/// The process that has loaded this library.
struct MesosHost;

impl Host for MesosHost {
    fn log_enabled(&self, severity: Severity) -> bool {
        ffi::log_enabled(severity.number()).unwrap_or(true)
    }

    fn log(&self, severity: Severity, file: &str, line: u32, text: &str) {
        // A line that the host cannot write is lost: there is nowhere else to say so.
        let _ = ffi::log_line(severity.number(), file.as_bytes(), line, text.as_bytes());
    }
}

/// Sends our log lines to the host from now on. May be called again.
pub(crate) fn connect() {
    apportion_bridge::connect(&MesosHost);
}
