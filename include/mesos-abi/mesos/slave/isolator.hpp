// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../../README.md.
#ifndef APPORTION_ABI_MESOS_SLAVE_ISOLATOR_HPP
#define APPORTION_ABI_MESOS_SLAVE_ISOLATOR_HPP

#include <sys/types.h>

#include <string>
#include <vector>

#include <google/protobuf/map.h>
#include <mesos/mesos.hpp>
#include <mesos/resources.hpp>
#include <process/future.hpp>
#include <stout/hashset.hpp>
#include <stout/option.hpp>

namespace mesos {
namespace slave {

/** Prepares, watches and cleans up containers; may be called by several threads at once. 10 methods. */
class Isolator
{
public:
  virtual ~Isolator() {}

  virtual bool supportsNesting() { return false; }
  virtual bool supportsStandalone() { return false; }
  virtual process::Future<Nothing> recover(const std::vector<ContainerState>&, const hashset<ContainerID>&)
  {
    return Nothing();
  }
  virtual process::Future<Option<ContainerLaunchInfo>> prepare(const ContainerID&, const ContainerConfig&)
  {
    return Option<ContainerLaunchInfo>();
  }
  virtual process::Future<Nothing> isolate(const ContainerID&, pid_t) { return Nothing(); }
  virtual process::Future<ContainerLimitation> watch(const ContainerID&)
  {
    return process::Future<ContainerLimitation>();
  }
  virtual process::Future<Nothing> update(
      const ContainerID&,
      const Resources&,
      const google::protobuf::Map<std::string, Value_Scalar>&)
  {
    return Nothing();
  }
  virtual process::Future<ResourceStatistics> usage(const ContainerID&) { return ResourceStatistics(); }
  virtual process::Future<ContainerStatus> status(const ContainerID&) { return ContainerStatus(); }
  virtual process::Future<Nothing> cleanup(const ContainerID&) { return Nothing(); }
};

static_assert(sizeof(Option<ContainerLaunchInfo>) == 288, "launch info");
static_assert(sizeof(hashset<ContainerID>) == 56, "std::unordered_set of libstdc++");
static_assert(
    sizeof(std::__detail::_Hash_node<ContainerID, std::__cache_default<ContainerID, std::hash<ContainerID>>::value>) == 56,
    "node with cached hash");

} // namespace slave {
} // namespace mesos {

#endif
