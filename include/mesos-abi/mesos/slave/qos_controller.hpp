// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../../README.md.
#ifndef APPORTION_ABI_MESOS_SLAVE_QOS_CONTROLLER_HPP
#define APPORTION_ABI_MESOS_SLAVE_QOS_CONTROLLER_HPP

#include <functional>
#include <list>

#include <mesos/mesos.hpp>
#include <process/future.hpp>
#include <stout/try.hpp>

namespace mesos {
namespace slave {

/** Tells the agent which executors must go. Two methods behind the destructors. */
class QoSController
{
public:
  virtual ~QoSController() {}

  virtual Try<Nothing> initialize(const std::function<process::Future<ResourceUsage>()>& usage) = 0;
  virtual process::Future<std::list<QoSCorrection>> corrections() = 0;
};

} // namespace slave {
} // namespace mesos {

#endif
