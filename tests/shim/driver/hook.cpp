// The eleven methods of the hook, and its HTTP endpoint.
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

/** A variable of an environment, with its type. */
std::string variable(const std::string& name, const std::string& value)
{
  return field(1, field(1, name) + field(2, value) + number(3, 1));
}

bool contains(const std::string& text, const std::string& part)
{
  return text.find(part) != std::string::npos;
}

/** The two paths of the HTTP endpoint, in its actor of this name. */
void expectEndpoint(const std::string& actor)
{
  const std::string report = httpGet("/" + actor + "/hooks");
  HOLDS(contains(report, "200 OK") && contains(report, "application/json") && contains(report, "\"rules\":[{"));
  HOLDS(contains(report, "\"rule\":\"hook.labels.rack\"") && contains(report, "\"rule\":\"hook.environment.ZONE\""));
  const std::string reload = http("POST", "/" + actor + "/hooks/reload");
  HOLDS(contains(reload, "200 OK") || contains(reload, "409 Conflict"));
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
           // A failed future would be a failed launch.
           HOLDS(docker().isReady());
           HOLDS(docker().get().isNone());
         }},
        {"hook.slave_post_fetch_hook", [&] { expectPanic(hook->slavePostFetchHook(container, "/box"), entry); }},
        {"hook.slave_remove_executor_hook",
         [&] { expectPanic(hook->slaveRemoveExecutorHook(framework, executor), entry); }},
        {"hook.slave_task_status_decorator",
         [&] { expectPanic(hook->slaveTaskStatusDecorator(id<mesos::FrameworkID>("framework-1"), status), entry); }},
        {"hook.slave_resources_decorator", [&] { expectPanic(hook->slaveResourcesDecorator(agent), entry); }},
        {"hook.slave_attributes_decorator", [&] { expectPanic(hook->slaveAttributesDecorator(agent), entry); }},
        {"hook.endpoint",
         [&] {
           HOLDS(contains(httpGet("/apportion/hooks"), "404 Not Found"));
           HOLDS(hook->slaveRunTaskLabelDecorator(task, executor, framework, agent).isSome());
         }},
        {"hook.report",
         [&] {
           const std::string report = httpGet("/apportion/hooks");
           HOLDS(contains(report, "500 Internal Server Error") && contains(report, entry) && contains(report, "drill"));
         }},
        {"hook.reload",
         [&] {
           const std::string reload = http("POST", "/apportion/hooks/reload");
           HOLDS(contains(reload, "409 Conflict") && contains(reload, entry) && contains(reload, "drill"));
           HOLDS(contains(httpGet("/apportion/hooks"), "200 OK"));
         }},
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
  // The host gives the executor a ZONE of its own.
  const std::string variablesOfBoth = variable("NAME", "spark") + variable("ROLE", "prod");
  const std::string variablesOfTask = variablesOfBoth + variable("ZONE", "ours");
  HOLDS(bytes(prepared.get().get()) == field(1, variablesOfBoth) + field(2, variablesOfTask));
  HOLDS(hook->slavePostFetchHook(container, "/box").isSome());
  HOLDS(hook->slaveTaskStatusDecorator(id<mesos::FrameworkID>("framework-1"), status).isNone());
  HOLDS(hook->slaveResourcesDecorator(agent).isNone());
  HOLDS(hook->slaveAttributesDecorator(agent).isNone());
  HOLDS(hook->slaveRemoveExecutorHook(framework, executor).isSome());

  expectEndpoint("apportion");
  {
    const std::unique_ptr<mesos::Hook> second(library.make<mesos::Hook>("org_apportion_Hook", parameters));
    expectEndpoint("apportion(2)");
  }
  HOLDS(contains(httpGet("/apportion(2)/hooks"), "404 Not Found"));
  expectEndpoint("apportion");
}

} // namespace driver {
