// The Hook module: serialise, ask the library, read the answer. No policy here.
#include <map>
#include <string>

#include <mesos/attributes.hpp>
#include <mesos/hook.hpp>

#include "factory.hpp"
#include "hook_endpoint.hpp"

namespace apportion {
namespace {

class HookShim : public mesos::Hook
{
public:
  HookShim(const apportion_entries& entries, apportion_handle* handle)
    : library_(entries, APPORTION_HOOK, handle), endpoint_(hookEndpoint(library_))
  {}

  Result<mesos::Labels> masterLaunchTaskLabelDecorator(
      const mesos::TaskInfo& task, const mesos::FrameworkInfo& framework, const mesos::SlaveInfo& agent) override
  {
    return decorate<mesos::Labels>("masterLaunchTaskLabelDecorator", [&](const Entries& e, Handle h, Out out) {
      const std::string t = serialize(task), f = serialize(framework), a = serialize(agent);
      return e.hook_master_launch_task_label_decorator(h, view(t), view(f), view(a), out);
    });
  }

  Result<mesos::Resources> masterLaunchTaskResourceDecorator(
      const mesos::TaskInfo& task, const mesos::Resources& agentResources) override
  {
    const Result<mesos::TaskInfo> changed =
        decorate<mesos::TaskInfo>("masterLaunchTaskResourceDecorator", [&](const Entries& e, Handle h, Out out) {
          const std::string t = serialize(task);
          const ByteList resources = serialize(agentResources);
          return e.hook_master_launch_task_resource_decorator(h, view(t), ListView(resources).get(), out);
        });
    return part<mesos::Resources>(changed, [](const mesos::TaskInfo& info) { return info.resources(); });
  }

  Result<mesos::Labels> slaveRunTaskLabelDecorator(
      const mesos::TaskInfo& task,
      const mesos::ExecutorInfo& executor,
      const mesos::FrameworkInfo& framework,
      const mesos::SlaveInfo& agent) override
  {
    return decorate<mesos::Labels>("slaveRunTaskLabelDecorator", [&](const Entries& e, Handle h, Out out) {
      const std::string t = serialize(task), x = serialize(executor), f = serialize(framework), a = serialize(agent);
      return e.hook_slave_run_task_label_decorator(h, view(t), view(x), view(f), view(a), out);
    });
  }

  Try<Nothing> masterSlaveLostHook(const mesos::SlaveInfo& agent) override
  {
    return notify("masterSlaveLostHook", [&](const Entries& e, Handle h, Out out) {
      const std::string a = serialize(agent);
      return e.hook_master_slave_lost_hook(h, view(a), out);
    });
  }

  Result<mesos::Environment> slaveExecutorEnvironmentDecorator(const mesos::ExecutorInfo& executor) override
  {
    return decorate<mesos::Environment>("slaveExecutorEnvironmentDecorator", [&](const Entries& e, Handle h, Out out) {
      const std::string x = serialize(executor);
      return e.hook_slave_executor_environment_decorator(h, view(x), out);
    });
  }

  process::Future<Option<mesos::DockerTaskExecutorPrepareInfo>> slavePreLaunchDockerTaskExecutorDecorator(
      const Option<mesos::TaskInfo>& task,
      const mesos::ExecutorInfo& executor,
      const std::string& containerName,
      const std::string& sandbox,
      const std::string& mappedSandbox,
      const Option<std::map<std::string, std::string>>& environment) override
  {
    typedef mesos::DockerTaskExecutorPrepareInfo Info;
    typedef process::Future<Option<Info>> Answer;
    const char* entry = "slavePreLaunchDockerTaskExecutorDecorator";
    return guarded(
        entry,
        [&]() -> Answer {
          const Result<Info> result = decorate<Info>(entry, [&](const Entries& e, Handle h, Out out) {
            const std::string x = serialize(executor);
            const std::string t = task.isSome() ? serialize(task.get()) : std::string();
            const apportion_bytes taskView = view(t);
            ByteList pairs;
            if (environment.isSome()) {
              for (const auto& variable : environment.get()) pairs.add(variable.first + "=" + variable.second);
            }
            const ListView pairsView(pairs);
            const apportion_bytes_list variables = pairsView.get();
            return e.hook_slave_pre_launch_docker_task_executor_decorator(
                h,
                task.isSome() ? &taskView : nullptr,
                view(x),
                view(containerName),
                view(sandbox),
                view(mappedSandbox),
                environment.isSome() ? &variables : nullptr,
                out);
          });
          if (result.isError()) return withoutAnswer(result.error());
          return result.isNone() ? Option<Info>() : Option<Info>(result.get());
        },
        [](const std::string& text) -> Answer { return withoutAnswer(text); });
  }

  Try<Nothing> slavePostFetchHook(const mesos::ContainerID& container, const std::string& directory) override
  {
    return notify("slavePostFetchHook", [&](const Entries& e, Handle h, Out out) {
      const std::string c = serialize(container);
      return e.hook_slave_post_fetch_hook(h, view(c), view(directory), out);
    });
  }

  Try<Nothing> slaveRemoveExecutorHook(
      const mesos::FrameworkInfo& framework, const mesos::ExecutorInfo& executor) override
  {
    return notify("slaveRemoveExecutorHook", [&](const Entries& e, Handle h, Out out) {
      const std::string f = serialize(framework), x = serialize(executor);
      return e.hook_slave_remove_executor_hook(h, view(f), view(x), out);
    });
  }

  Result<mesos::TaskStatus> slaveTaskStatusDecorator(
      const mesos::FrameworkID& frameworkId, const mesos::TaskStatus& status) override
  {
    return decorate<mesos::TaskStatus>("slaveTaskStatusDecorator", [&](const Entries& e, Handle h, Out out) {
      const std::string s = serialize(status);
      return e.hook_slave_task_status_decorator(h, view(frameworkId.value()), view(s), out);
    });
  }

  Result<mesos::Resources> slaveResourcesDecorator(const mesos::SlaveInfo& agent) override
  {
    const Result<mesos::SlaveInfo> changed =
        decorate<mesos::SlaveInfo>("slaveResourcesDecorator", [&](const Entries& e, Handle h, Out out) {
          const std::string a = serialize(agent);
          return e.hook_slave_resources_decorator(h, view(a), out);
        });
    return part<mesos::Resources>(changed, [](const mesos::SlaveInfo& info) { return info.resources(); });
  }

  Result<mesos::Attributes> slaveAttributesDecorator(const mesos::SlaveInfo& agent) override
  {
    const Result<mesos::SlaveInfo> changed =
        decorate<mesos::SlaveInfo>("slaveAttributesDecorator", [&](const Entries& e, Handle h, Out out) {
          const std::string a = serialize(agent);
          return e.hook_slave_attributes_decorator(h, view(a), out);
        });
    return part<mesos::Attributes>(changed, [](const mesos::SlaveInfo& info) { return info.attributes(); });
  }

private:
  /**
   * A fault in the Docker method. The host would take a failed future for a failed launch, unlike the errors of its other
   * methods, which it writes down before it goes on: so that is done here.
   */
  static process::Future<Option<mesos::DockerTaskExecutorPrepareInfo>> withoutAnswer(const std::string& text)
  {
    APPORTION_LOG(google::GLOG_WARNING, "apportion: the Docker container starts without our variables: " + text);
    return Option<mesos::DockerTaskExecutorPrepareInfo>();
  }

  typedef apportion_entries Entries;
  typedef apportion_handle* Handle;
  typedef apportion_buffer* Out;

  /** A call whose answer is a message: the message, none for "no change", or an error for the host's log. */
  template <typename Message, typename Call>
  Result<Message> decorate(const char* entry, Call&& call) noexcept
  {
    return guarded(
        entry,
        [&]() -> Result<Message> {
          Buffer answer(library_.entries);
          const apportion_status status = call(library_.entries, library_.handle, answer.out());
          if (status == APPORTION_UNCHANGED) return None();
          if (status != APPORTION_DONE) return Error(answer.text());
          Message message;
          if (!answer.parse(&message)) return Error(std::string(entry) + ": the library's answer is not a message");
          return message;
        },
        [](const std::string& text) -> Result<Message> { return Error(text); });
  }

  /** A call that only tells the library something. */
  template <typename Call>
  Try<Nothing> notify(const char* entry, Call&& call) noexcept
  {
    return guarded(
        entry,
        [&]() -> Try<Nothing> {
          Buffer text(library_.entries);
          const apportion_status status = call(library_.entries, library_.handle, text.out());
          if (status == APPORTION_DONE || status == APPORTION_UNCHANGED) return Nothing();
          return Error(text.text());
        },
        [](const std::string& text) -> Try<Nothing> { return Error(text); });
  }

  /** The part of a message that the host wants. */
  template <typename Part, typename Message, typename Take>
  static Result<Part> part(const Result<Message>& message, Take&& take)
  {
    if (message.isError()) return Error(message.error());
    if (message.isNone()) return None();
    return Part(take(message.get()));
  }

  Library library_;
  const std::unique_ptr<Endpoint> endpoint_;
};

} // namespace {
} // namespace apportion {

extern "C" void* apportion_make_hook(const void* parameters, const apportion_entries* entries)
{
  // The host expects a pointer to the interface.
  mesos::Hook* hook =
      apportion::make<apportion::HookShim>(APPORTION_HOOK, "org_apportion_Hook", parameters, entries);
  return hook;
}
