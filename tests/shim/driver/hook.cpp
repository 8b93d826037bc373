// The eleven methods of the hook.
#include <functional>
#include <map>
#include <memory>

#include <mesos/hook.hpp>

#include "driver.hpp"

namespace driver {
namespace {

const std::string FRAMEWORK =
    field(1, "user") + field(2, "spark") + field(3, field(1, "framework-1")) + field(12, "prod");
const std::string AGENT = field(1, "host-7") + field(6, field(1, "agent-1")) +
                          field(5, field(1, "rack") + number(2, 3) + field(5, field(1, "r1")));

std::string executorBytes()
{
  return field(1, field(1, "executor-1")) + field(5, resource("cpus", 1, "prod")) + field(7, field(3, "run")) +
         field(8, field(1, "framework-1"));
}

std::string taskBytes()
{
  return field(1, "train") + field(2, field(1, "task-1")) + field(3, field(1, "agent-1")) +
         field(4, resource("cpus", 1, "prod")) + field(10, label("team", "a"));
}

bool contains(const std::string& text, const std::string& part)
{
  return text.find(part) != std::string::npos;
}

/** What a decorator that must fail said. */
template <typename T>
void expectPanic(const T& result, const std::string& entry)
{
  HOLDS(result.isError());
  HOLDS(contains(result.error(), entry) && contains(result.error(), "drill"));
}

} // namespace {

void driveHook(const Library& library, const std::string& parameters, const std::string& entry)
{
  const std::unique_ptr<mesos::Hook> hook(library.make<mesos::Hook>("org_apportion_Hook", parameters));
  HOLDS(hook != nullptr);
  const auto task = parse<mesos::TaskInfo>(taskBytes());
  const auto framework = parse<mesos::FrameworkInfo>(FRAMEWORK);
  const auto agent = parse<mesos::SlaveInfo>(AGENT);
  const auto executor = parse<mesos::ExecutorInfo>(executorBytes());
  const auto status = parse<mesos::TaskStatus>(field(1, field(1, "task-1")) + number(2, 1));
  const auto container = id<mesos::ContainerID>("container-1");
  const mesos::Resources resources = mesos::Resources::parse("cpus:4").get();
  const Option<std::map<std::string, std::string>> environment =
      std::map<std::string, std::string>{{"ZONE", "theirs"}};
  const auto docker = [&]() {
    return hook->slavePreLaunchDockerTaskExecutorDecorator(task, executor, "mesos-1", "/box", "/mnt", environment);
  };

  if (!entry.empty()) {
    const std::map<std::string, std::function<void()>> calls = {
        {"hook.master_launch_task_label_decorator",
         [&] { expectPanic(hook->masterLaunchTaskLabelDecorator(task, framework, agent), entry); }},
        {"hook.master_launch_task_resource_decorator",
         [&] { expectPanic(hook->masterLaunchTaskResourceDecorator(task, resources), entry); }},
        {"hook.slave_run_task_label_decorator",
         [&] { expectPanic(hook->slaveRunTaskLabelDecorator(task, executor, framework, agent), entry); }},
        {"hook.master_slave_lost_hook", [&] { expectPanic(hook->masterSlaveLostHook(agent), entry); }},
        {"hook.slave_executor_environment_decorator",
         [&] { expectPanic(hook->slaveExecutorEnvironmentDecorator(executor), entry); }},
        {"hook.slave_pre_launch_docker_task_executor_decorator",
         [&] {
           HOLDS(docker().isFailed());
           HOLDS(contains(docker().failure(), entry) && contains(docker().failure(), "drill"));
         }},
        {"hook.slave_post_fetch_hook", [&] { expectPanic(hook->slavePostFetchHook(container, "/box"), entry); }},
        {"hook.slave_remove_executor_hook",
         [&] { expectPanic(hook->slaveRemoveExecutorHook(framework, executor), entry); }},
        {"hook.slave_task_status_decorator",
         [&] { expectPanic(hook->slaveTaskStatusDecorator(id<mesos::FrameworkID>("framework-1"), status), entry); }},
        {"hook.slave_resources_decorator", [&] { expectPanic(hook->slaveResourcesDecorator(agent), entry); }},
        {"hook.slave_attributes_decorator", [&] { expectPanic(hook->slaveAttributesDecorator(agent), entry); }},
    };
    HOLDS(calls.count(entry) == 1);
    calls.at(entry)();
    return;
  }

  const Result<mesos::Labels> masterLabels = hook->masterLaunchTaskLabelDecorator(task, framework, agent);
  HOLDS(masterLabels.isSome());
  HOLDS(bytes(masterLabels.get()) == label("team", "a") + label("rack", "r1"));
  HOLDS(hook->masterLaunchTaskResourceDecorator(task, resources).isNone());
  HOLDS(hook->slaveRunTaskLabelDecorator(task, executor, framework, agent).isSome());
  HOLDS(hook->masterSlaveLostHook(agent).isSome());
  const Result<mesos::Environment> variables = hook->slaveExecutorEnvironmentDecorator(executor);
  HOLDS(variables.isSome());
  HOLDS(contains(bytes(variables.get()), "prod") && contains(bytes(variables.get()), "spark"));
  const process::Future<Option<mesos::DockerTaskExecutorPrepareInfo>> prepared = docker();
  HOLDS(prepared.isReady() && prepared.get().isSome());
  HOLDS(!contains(bytes(prepared.get().get()), "ours"));
  HOLDS(hook->slavePostFetchHook(container, "/box").isSome());
  HOLDS(hook->slaveTaskStatusDecorator(id<mesos::FrameworkID>("framework-1"), status).isNone());
  HOLDS(hook->slaveResourcesDecorator(agent).isNone());
  HOLDS(hook->slaveAttributesDecorator(agent).isNone());
  HOLDS(hook->slaveRemoveExecutorHook(framework, executor).isSome());
}

} // namespace driver {
