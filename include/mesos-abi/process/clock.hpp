// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_PROCESS_CLOCK_HPP
#define APPORTION_ABI_PROCESS_CLOCK_HPP

#include <functional>

#include <process/time.hpp>
#include <process/timer.hpp>

namespace process {

/** The host's clock, virtual when a test of the host pauses it. */
class Clock
{
public:
  static Time now();

  /** Runs `thunk` after `duration` on the event loop's thread: it may only dispatch. */
  static Timer timer(const Duration& duration, const std::function<void()>& thunk);

  /** False when the timer has already fired. */
  static bool cancel(const Timer& timer);
};

} // namespace process {

#endif
