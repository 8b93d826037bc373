// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../../README.md.
#ifndef APPORTION_ABI_GOOGLE_PROTOBUF_MESSAGE_LITE_H
#define APPORTION_ABI_GOOGLE_PROTOBUF_MESSAGE_LITE_H

#include <cstddef>
#include <string>

namespace google {
namespace protobuf {

/**
 * The first word of every message is its virtual table pointer, written by the exported constructors. It is declared
 * as data here: no virtual call is made from this side, and none of the host's vtables or typeinfos is imported.
 * Never delete a message through this base and never use typeid on one.
 */
class MessageLite
{
public:
  bool ParseFromArray(const void* data, int size);
  bool ParsePartialFromArray(const void* data, int size);
  bool AppendPartialToString(std::string* output) const;
  bool SerializePartialToString(std::string* output) const;

protected:
  MessageLite() = default;
  MessageLite(const MessageLite&) = default;
  MessageLite& operator=(const MessageLite&) = default;
  ~MessageLite() = default;

private:
  void* vtable_;
};

/** A message with descriptors: no further data. */
class Message : public MessageLite
{
public:
  std::string ShortDebugString() const;

protected:
  Message() = default;
  Message(const Message&) = default;
  Message& operator=(const Message&) = default;
  ~Message() = default;
};

static_assert(sizeof(Message) == 8, "the virtual table pointer only");

} // namespace protobuf {
} // namespace google {

#endif
