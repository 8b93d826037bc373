// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_STOUT_HASHSET_HPP
#define APPORTION_ABI_STOUT_HASHSET_HPP

#include <functional>
#include <string>
#include <unordered_set>

/** std::unordered_set with an unchanged layout; see hashmap about the functors. */
template <typename Element, typename Hash = std::hash<Element>, typename Equal = std::equal_to<Element>>
class hashset : public std::unordered_set<Element, Hash, Equal>
{
public:
  using std::unordered_set<Element, Hash, Equal>::unordered_set;
};

static_assert(sizeof(hashset<std::string>) == 56, "std::unordered_set of libstdc++");

#endif
