// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_MESOS_MODULE_HPP
#define APPORTION_ABI_MESOS_MODULE_HPP

#include <mesos/mesos.hpp>

namespace mesos {
namespace modules {

/** What the host reads of a module before it creates it; every text but `compatible` must be there. */
struct ModuleBase
{
  const char* moduleApiVersion;
  const char* mesosVersion;
  const char* kind;
  const char* authorName;
  const char* authorEmail;
  const char* description;
  bool (*compatible)();
};

/** The exported object named in the modules JSON. */
template <typename T>
struct Module : ModuleBase
{
  T* (*create)(const Parameters& parameters);
};

static_assert(sizeof(Module<void>) == 64, "eight words");

} // namespace modules {
} // namespace mesos {

#endif
