// Messages as text, in what the test hands over and in what is printed for it.
#ifndef APPORTION_TESTS_WIRE_HPP
#define APPORTION_TESTS_WIRE_HPP

#include <string>

#include <mesos/attributes.hpp>
#include <mesos/resources.hpp>

#include "../driver/driver.hpp"

namespace driver {

inline std::string toHex(const std::string& bytes)
{
  static const char digits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

inline std::string fromHex(const std::string& text)
{
  if (text.size() % 2 != 0) fail(__FILE__, __LINE__, "half a byte in " + text);
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

/** The items one behind the other, each as field 1 of a message. */
inline std::string listed(const mesos::Resources& resources)
{
  std::string list;
  for (const mesos::Resource& resource : resources) list += field(1, bytes(resource));
  return list;
}

/** The attributes, as resources are listed. */
inline std::string listed(const mesos::Attributes& attributes)
{
  // Its only member.
  const auto& items = reinterpret_cast<const google::protobuf::RepeatedPtrField<mesos::Attribute>&>(attributes);
  std::string list;
  for (int i = 0; i < items.size(); ++i) list += field(1, bytes(items.Get(i)));
  return list;
}

} // namespace driver {

#endif
