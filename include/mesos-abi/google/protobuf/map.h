// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../../README.md.
#ifndef APPORTION_ABI_GOOGLE_PROTOBUF_MAP_H
#define APPORTION_ABI_GOOGLE_PROTOBUF_MAP_H

namespace google {
namespace protobuf {

/** Only passed by reference and never looked into: read one by constructing a mesos::ResourceLimits from it. */
template <typename Key, typename Value>
class Map;

} // namespace protobuf {
} // namespace google {

#endif
