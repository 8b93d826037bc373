// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../../README.md.
#ifndef APPORTION_ABI_GOOGLE_PROTOBUF_MESSAGE_MEMBERS_H
#define APPORTION_ABI_GOOGLE_PROTOBUF_MESSAGE_MEMBERS_H

#include <cstdint>
#include <string>

#include <google/protobuf/message_lite.h>

namespace google {
namespace protobuf {
namespace layout {

/** Presence bit number `bit` of a message whose has-bits begin at `offset`. */
inline bool has(const void* message, size_t offset, unsigned bit)
{
  const uint32_t* words = reinterpret_cast<const uint32_t*>(static_cast<const char*>(message) + offset);
  return ((words[bit / 32] >> (bit % 32)) & 1u) != 0;
}

inline void mark(void* message, size_t offset, unsigned bit)
{
  uint32_t* words = reinterpret_cast<uint32_t*>(static_cast<char*>(message) + offset);
  words[bit / 32] |= 1u << (bit % 32);
}

template <typename T>
const T& at(const void* message, size_t offset)
{
  return *reinterpret_cast<const T*>(static_cast<const char*>(message) + offset);
}

/**
 * Sets a text field: a pointer to a string that is the shared empty default until the field is set for the first
 * time, and owned by the message from then on (its destructor frees it).
 */
inline void set(void* message, size_t hasBits, unsigned bit, size_t offset, const std::string& text)
{
  std::string** field = reinterpret_cast<std::string**>(static_cast<char*>(message) + offset);
  if (has(message, hasBits, bit)) {
    (*field)->assign(text);
  } else {
    *field = new std::string(text);
    mark(message, hasBits, bit);
  }
}

} // namespace layout {
} // namespace protobuf {
} // namespace google {

/**
 * What every message exports, and the inline rest: a move is a default construction and a swap, an assignment a copy.
 * No arenas are used.
 */
#define APPORTION_ABI_MESSAGE_MEMBERS(M)                 \
  M();                                                   \
  M(const M& that);                                      \
  M(M&& that) : M() { Swap(&that); }                     \
  ~M();                                                  \
  M& operator=(const M& that)                            \
  {                                                      \
    CopyFrom(that);                                      \
    return *this;                                        \
  }                                                      \
  M& operator=(M&& that)                                 \
  {                                                      \
    if (this != &that) Swap(&that);                      \
    return *this;                                        \
  }                                                      \
  void CopyFrom(const M& that);                          \
  void Swap(M* that);

#endif
