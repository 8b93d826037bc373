// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../../README.md.
#ifndef APPORTION_ABI_MESOS_QUOTA_QUOTA_HPP
#define APPORTION_ABI_MESOS_QUOTA_QUOTA_HPP

#include <mesos/resource_quantities.hpp>

namespace mesos {

/** What a role is promised, and what it may not exceed. */
struct Quota
{
  ResourceQuantities guarantees;
  ResourceLimits limits;
};

static_assert(sizeof(Quota) == 944, "guarantees, limits at 472");

} // namespace mesos {

#endif
