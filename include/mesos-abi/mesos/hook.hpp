// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_MESOS_HOOK_HPP
#define APPORTION_ABI_MESOS_HOOK_HPP

#include <map>
#include <string>

#include <mesos/attributes.hpp>
#include <mesos/mesos.hpp>
#include <mesos/resources.hpp>
#include <process/future.hpp>
#include <stout/option.hpp>
#include <stout/result.hpp>
#include <stout/try.hpp>

namespace mesos {

/** Called by master and agent at fixed points, with a process-wide lock held. 11 methods behind the destructors. */
class Hook
{
public:
  virtual ~Hook() {}

  virtual Result<Labels> masterLaunchTaskLabelDecorator(const TaskInfo&, const FrameworkInfo&, const SlaveInfo&)
  {
    return None();
  }
  virtual Result<Resources> masterLaunchTaskResourceDecorator(const TaskInfo&, const Resources&) { return None(); }
  virtual Result<Labels> slaveRunTaskLabelDecorator(
      const TaskInfo&, const ExecutorInfo&, const FrameworkInfo&, const SlaveInfo&)
  {
    return None();
  }
  virtual Try<Nothing> masterSlaveLostHook(const SlaveInfo&) { return Nothing(); }
  virtual Result<Environment> slaveExecutorEnvironmentDecorator(const ExecutorInfo&) { return None(); }
  virtual process::Future<Option<DockerTaskExecutorPrepareInfo>> slavePreLaunchDockerTaskExecutorDecorator(
      const Option<TaskInfo>&,
      const ExecutorInfo&,
      const std::string&,
      const std::string&,
      const std::string&,
      const Option<std::map<std::string, std::string>>&)
  {
    return Option<DockerTaskExecutorPrepareInfo>();
  }
  virtual Try<Nothing> slavePostFetchHook(const ContainerID&, const std::string&) { return Nothing(); }
  virtual Try<Nothing> slaveRemoveExecutorHook(const FrameworkInfo&, const ExecutorInfo&) { return Nothing(); }
  virtual Result<TaskStatus> slaveTaskStatusDecorator(const FrameworkID&, const TaskStatus&) { return None(); }
  virtual Result<Resources> slaveResourcesDecorator(const SlaveInfo&) { return None(); }
  virtual Result<Attributes> slaveAttributesDecorator(const SlaveInfo&) { return None(); }
};

static_assert(sizeof(Result<Labels>) == 104, "labels");
static_assert(sizeof(Result<Resources>) == 320, "resources");
static_assert(sizeof(Result<Environment>) == 104, "environment");
static_assert(sizeof(Result<TaskStatus>) == 192, "status");
static_assert(sizeof(Result<Attributes>) == 80, "attributes");
static_assert(sizeof(Option<TaskInfo>) == 232, "task");
static_assert(sizeof(Option<std::map<std::string, std::string>>) == 56, "environment");

} // namespace mesos {

#endif
