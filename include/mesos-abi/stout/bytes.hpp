// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_STOUT_BYTES_HPP
#define APPORTION_ABI_STOUT_BYTES_HPP

#include <cstdint>
#include <type_traits>

/** An amount of memory: one trivially copyable word. */
class Bytes
{
public:
  explicit Bytes(uint64_t bytes = 0) : value_(bytes) {}

private:
  uint64_t value_;
};

static_assert(sizeof(Bytes) == 8 && std::is_trivially_copyable<Bytes>::value, "passed in a register");

#endif
