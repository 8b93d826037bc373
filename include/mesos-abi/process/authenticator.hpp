// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_PROCESS_AUTHENTICATOR_HPP
#define APPORTION_ABI_PROCESS_AUTHENTICATOR_HPP

#include <cstddef>
#include <string>

#include <stout/hashmap.hpp>
#include <stout/option.hpp>

namespace process {
namespace http {
namespace authentication {

/** Who makes an HTTP request. Only read here. */
struct Principal
{
  Option<std::string> value;
  hashmap<std::string, std::string> claims;
};

static_assert(sizeof(Principal) == 96 && offsetof(Principal, claims) == 40, "name, then claims");

} // namespace authentication {
} // namespace http {
} // namespace process {

#endif
