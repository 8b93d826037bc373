// Messages in wire format, for drivers that run inside a process with the Mesos binary.
#ifndef APPORTION_RIG_WIRE_HPP
#define APPORTION_RIG_WIRE_HPP

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace wire {

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

/** The message of these bytes; ends the process when they are none. */
template <typename Message>
Message parse(const std::string& bytes)
{
  Message message;
  if (!message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    std::fprintf(stderr, "DRIVER FAILED: its bytes are no message\n");
    std::fflush(stderr);
    std::_Exit(9);
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
inline std::string resource(const std::string& name, double amount, const std::string& role = "")
{
  std::string text = field(1, name) + number(2, 0) + field(3, real(1, amount));
  if (!role.empty()) text += field(11, field(1, role));
  return text;
}

} // namespace wire {

#endif
