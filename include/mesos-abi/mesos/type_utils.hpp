// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_MESOS_TYPE_UTILS_HPP
#define APPORTION_ABI_MESOS_TYPE_UTILS_HPP

#include <cstddef>
#include <functional>
#include <string>

#include <mesos/messages.hpp>

namespace mesos {

inline bool operator==(const FrameworkID& left, const FrameworkID& right)
{
  return left.value() == right.value();
}

inline bool operator==(const SlaveID& left, const SlaveID& right)
{
  return left.value() == right.value();
}

inline bool operator==(const ContainerID& left, const ContainerID& right)
{
  return left.value() == right.value() && left.has_parent() == right.has_parent() &&
         (!left.has_parent() || left.parent() == right.parent());
}

namespace hashing {

// The host looks keys up in maps that are built here, so the values must be the ones it computes itself.
const size_t MULTIPLIER = 0xc6a4a7935bd1e995ULL;

inline void mix(size_t& hash, size_t key)
{
  key *= MULTIPLIER;
  key ^= key >> 47;
  key *= MULTIPLIER;
  hash ^= key;
  hash *= MULTIPLIER;
  hash += 0xe6546b64ULL;
}

/** Each char counts as a signed number. */
inline size_t text(const std::string& text)
{
  size_t hash = 0;
  for (const char c : text) mix(hash, static_cast<size_t>(static_cast<long>(static_cast<signed char>(c))));
  return hash;
}

inline size_t id(const std::string& value)
{
  size_t hash = 0;
  mix(hash, text(value));
  return hash;
}

inline size_t container(const ContainerID& id)
{
  size_t hash = 0;
  mix(hash, text(id.value()));
  if (id.has_parent()) mix(hash, container(id.parent()));
  return hash;
}

} // namespace hashing {
} // namespace mesos {

namespace std {

// None of these is noexcept: that is what makes libstdc++ cache the hash code in the nodes, as the host does.

template <>
struct hash<mesos::FrameworkID>
{
  size_t operator()(const mesos::FrameworkID& id) const { return mesos::hashing::id(id.value()); }
};

template <>
struct hash<mesos::SlaveID>
{
  size_t operator()(const mesos::SlaveID& id) const { return mesos::hashing::id(id.value()); }
};

template <>
struct hash<mesos::ContainerID>
{
  size_t operator()(const mesos::ContainerID& id) const { return mesos::hashing::container(id); }
};

} // namespace std {

#endif
