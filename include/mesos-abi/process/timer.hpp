// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_PROCESS_TIMER_HPP
#define APPORTION_ABI_PROCESS_TIMER_HPP

#include <cstdint>
#include <functional>

#include <process/pid.hpp>
#include <process/time.hpp>

namespace process {

/** A running timer, made by Clock::timer and handed back to Clock::cancel. */
class Timer
{
public:
  Timer(const Timer&) = default;
  Timer& operator=(const Timer&) = default;
  ~Timer() = default;

private:
  uint64_t id_;
  Time timeout_;
  UPID pid_;
  std::function<void()> thunk_;
};

static_assert(sizeof(Timer) == 184, "id, timeout at 8, pid at 16, thunk at 152");

} // namespace process {

#endif
