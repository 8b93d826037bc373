// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_MESOS_MESOS_HPP
#define APPORTION_ABI_MESOS_MESOS_HPP

#include <mesos/messages.hpp>
#include <mesos/type_utils.hpp>

#endif
