// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_STOUT_DURATION_HPP
#define APPORTION_ABI_STOUT_DURATION_HPP

#include <cstdint>
#include <type_traits>

/** A signed number of nanoseconds in one register: it must stay trivially copyable. */
class Duration
{
public:
  constexpr Duration() : nanoseconds_(0) {}

  constexpr int64_t ns() const { return nanoseconds_; }

protected:
  constexpr explicit Duration(int64_t nanoseconds) : nanoseconds_(nanoseconds) {}

private:
  int64_t nanoseconds_;
};

/** A Duration given in nanoseconds. */
class Nanoseconds : public Duration
{
public:
  constexpr explicit Nanoseconds(int64_t nanoseconds) : Duration(nanoseconds) {}
};

/** A Duration given in seconds. */
class Seconds : public Duration
{
public:
  constexpr explicit Seconds(int64_t seconds) : Duration(seconds * 1000000000) {}
};

static_assert(sizeof(Duration) == 8 && std::is_trivially_copyable<Duration>::value, "a Duration travels in a register");

#endif
