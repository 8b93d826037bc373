// What the Rust library may ask of the host, behind the cxx bridge in module/host.rs: an exception becomes an Err there.
#ifndef APPORTION_SHIM_HOST_SERVICES_HPP
#define APPORTION_SHIM_HOST_SERVICES_HPP

#include <cstdint>

#include "rust/cxx.h"

namespace apportion {

/** Whether the host writes lines of this severity: 0 info, 1 warning, 2 error. */
bool log_enabled(int32_t severity);

/** Writes one line to the host's log as if it stood at `file`:`line`. Never fatal: severities above 2 count as 2. */
void log_line(int32_t severity, rust::Slice<const uint8_t> file, uint32_t line, rust::Slice<const uint8_t> text);

} // namespace apportion {

#endif
