// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_PROCESS_TIME_HPP
#define APPORTION_ABI_PROCESS_TIME_HPP

#include <stout/duration.hpp>

namespace process {

/** A moment of the host's clock, as the time since the Unix epoch; in one register. */
class Time
{
public:
  Duration duration() const { return sinceEpoch_; }

private:
  Duration sinceEpoch_;
};

static_assert(sizeof(Time) == 8 && std::is_trivially_copyable<Time>::value, "a Time travels in a register");

} // namespace process {

#endif
