// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_STOUT_HASHMAP_HPP
#define APPORTION_ABI_STOUT_HASHMAP_HPP

#include <functional>
#include <string>
#include <unordered_map>

/**
 * std::unordered_map with an unchanged layout. The hash functors must not be noexcept: only then do the nodes cache
 * the hash code, as they do in the host.
 */
template <typename Key, typename Value, typename Hash = std::hash<Key>, typename Equal = std::equal_to<Key>>
class hashmap : public std::unordered_map<Key, Value, Hash, Equal>
{
public:
  using std::unordered_map<Key, Value, Hash, Equal>::unordered_map;
};

static_assert(sizeof(hashmap<std::string, int>) == 56, "std::unordered_map of libstdc++");
static_assert(
    sizeof(std::__detail::_Hash_node<std::pair<const std::string, int>, true>) == 56,
    "node with cached hash");

#endif
