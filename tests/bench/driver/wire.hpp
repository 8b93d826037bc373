// Messages in wire format.
#ifndef APPORTION_TESTS_BENCH_WIRE_HPP
#define APPORTION_TESTS_BENCH_WIRE_HPP

#include <cstdio>
#include <cstdlib>
#include <string>

#include <mesos/mesos.hpp>

namespace bench {

/** Ends the process with a line that says what is wrong. */
[[noreturn]] inline void fail(const std::string& what)
{
  std::fprintf(stderr, "BENCH FAILED: %s\n", what.c_str());
  std::fflush(stderr);
  std::_Exit(9);
}

inline std::string varint(uint64_t number)
{
  std::string bytes;
  for (; number >= 128; number >>= 7) bytes += static_cast<char>(number | 128);
  return bytes + static_cast<char>(number);
}

/** A length-delimited field: text or a message. */
inline std::string field(int number, const std::string& content)
{
  return varint(static_cast<uint64_t>(number) << 3 | 2) + varint(content.size()) + content;
}

/** A number field. */
inline std::string number(int number, uint64_t value)
{
  return varint(static_cast<uint64_t>(number) << 3) + varint(value);
}

/** A double field. */
inline std::string real(int number, double value)
{
  const char* raw = reinterpret_cast<const char*>(&value);
  return varint(static_cast<uint64_t>(number) << 3 | 1) + std::string(raw, sizeof value);
}

template <typename Message>
Message parse(const std::string& bytes)
{
  Message message;
  if (!message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    fail("bytes of the driver are no message");
  }
  return message;
}

template <typename Id>
Id id(const std::string& value)
{
  Id made;
  made.set_value(value);
  return made;
}

/** A scalar resource; with a role it is allocated to it. */
inline std::string scalar(const std::string& name, double amount, const std::string& role = "")
{
  std::string text = field(1, name) + number(2, 0) + field(3, real(1, amount));
  if (!role.empty()) text += field(11, field(1, role));
  return text;
}

/** One range of ports. */
inline std::string range(uint64_t begin, uint64_t end)
{
  return field(1, "ports") + number(2, 1) + field(4, field(1, number(1, begin) + number(2, end)));
}

/** A dynamic reservation, to be appended to a resource. */
inline std::string reservedFor(const std::string& role, const std::string& label = "")
{
  std::string reservation = number(4, 2) + field(3, role);
  if (!label.empty()) reservation += field(2, field(1, field(1, "id") + field(2, label)));
  return field(13, reservation);
}

} // namespace bench {

#endif
