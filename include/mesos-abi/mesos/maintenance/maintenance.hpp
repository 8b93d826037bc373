// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../../README.md.
#ifndef APPORTION_ABI_MESOS_MAINTENANCE_MAINTENANCE_HPP
#define APPORTION_ABI_MESOS_MAINTENANCE_MAINTENANCE_HPP

#include <mesos/resources.hpp>

namespace mesos {

/** Resources that will be gone, and when. */
struct UnavailableResources
{
  Resources resources;
  Unavailability unavailability;
};

static_assert(sizeof(UnavailableResources) == 304, "resources, unavailability at 264");

} // namespace mesos {

#endif
