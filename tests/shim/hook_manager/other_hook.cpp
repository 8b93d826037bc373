// A hook module of somebody else, in a library of its own: tells what it is given, and answers what its parameters say.
//
// The name of a parameter is that of a method; its value is the answer: `=` and the bytes of a message, or `error`.
// A method without a parameter changes nothing. Resources and attributes are those of an answered TaskInfo or SlaveInfo.
#include <mesos/hook.hpp>
#include <mesos/module.hpp>

#include "wire.hpp"

namespace driver {
namespace {

const char* const REFUSAL = "the other hook is out of order";

/** Takes a length-delimited field off the front; short ones only, as a test writes them. */
std::string takeField(std::string& bytes)
{
  size_t position = 1, size = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.at(position++));
    size |= static_cast<size_t>(byte & 127) << shift;
    if (byte < 128) break;
  }
  const std::string content = bytes.substr(position, size);
  bytes.erase(0, position + size);
  return content;
}

template <typename... Messages>
void tell(const char* method, const Messages&... given)
{
  std::string line = std::string("seen ") + method;
  ((line += " =" + toHex(given)), ...);
  std::printf("%s\n", line.c_str());
}

class OtherHook : public mesos::Hook
{
public:
  explicit OtherHook(const mesos::Parameters& parameters)
  {
    for (std::string rest = bytes(parameters); !rest.empty();) {
      std::string parameter = takeField(rest);
      const std::string method = takeField(parameter);
      answers_[method] = takeField(parameter);
    }
  }

  Result<mesos::Labels> masterLaunchTaskLabelDecorator(
      const mesos::TaskInfo& task, const mesos::FrameworkInfo& framework, const mesos::SlaveInfo& agent) override
  {
    tell("masterLaunchTaskLabelDecorator", bytes(task), bytes(framework), bytes(agent));
    return answer<mesos::Labels>("masterLaunchTaskLabelDecorator");
  }

  Result<mesos::Resources> masterLaunchTaskResourceDecorator(
      const mesos::TaskInfo& task, const mesos::Resources& agentResources) override
  {
    tell("masterLaunchTaskResourceDecorator", bytes(task), listed(agentResources));
    const auto made = answer<mesos::TaskInfo>("masterLaunchTaskResourceDecorator");
    return part<mesos::Resources>(made, [](const mesos::TaskInfo& info) { return info.resources(); });
  }

  Result<mesos::Labels> slaveRunTaskLabelDecorator(
      const mesos::TaskInfo& task,
      const mesos::ExecutorInfo& executor,
      const mesos::FrameworkInfo& framework,
      const mesos::SlaveInfo& agent) override
  {
    tell("slaveRunTaskLabelDecorator", bytes(task), bytes(executor), bytes(framework), bytes(agent));
    return answer<mesos::Labels>("slaveRunTaskLabelDecorator");
  }

  Try<Nothing> masterSlaveLostHook(const mesos::SlaveInfo& agent) override
  {
    tell("masterSlaveLostHook", bytes(agent));
    return done("masterSlaveLostHook");
  }

  Result<mesos::Environment> slaveExecutorEnvironmentDecorator(const mesos::ExecutorInfo& executor) override
  {
    tell("slaveExecutorEnvironmentDecorator", bytes(executor));
    return answer<mesos::Environment>("slaveExecutorEnvironmentDecorator");
  }

  process::Future<Option<mesos::DockerTaskExecutorPrepareInfo>> slavePreLaunchDockerTaskExecutorDecorator(
      const Option<mesos::TaskInfo>& task,
      const mesos::ExecutorInfo& executor,
      const std::string& containerName,
      const std::string& sandbox,
      const std::string& mappedSandbox,
      const Option<std::map<std::string, std::string>>& environment) override
  {
    std::string variables;
    if (environment.isSome()) {
      for (const auto& one : environment.get()) variables += one.first + "=" + one.second + "\n";
    }
    tell(
        "slavePreLaunchDockerTaskExecutorDecorator", task.isSome() ? bytes(task.get()) : std::string(),
        bytes(executor), containerName, sandbox, mappedSandbox, variables);
    typedef mesos::DockerTaskExecutorPrepareInfo Info;
    const auto made = answer<Info>("slavePreLaunchDockerTaskExecutorDecorator");
    if (made.isError()) return process::Failure(made.error());
    return made.isNone() ? Option<Info>() : Option<Info>(made.get());
  }

  Try<Nothing> slavePostFetchHook(const mesos::ContainerID& container, const std::string& directory) override
  {
    tell("slavePostFetchHook", bytes(container), directory);
    return done("slavePostFetchHook");
  }

  Try<Nothing> slaveRemoveExecutorHook(
      const mesos::FrameworkInfo& framework, const mesos::ExecutorInfo& executor) override
  {
    tell("slaveRemoveExecutorHook", bytes(framework), bytes(executor));
    return done("slaveRemoveExecutorHook");
  }

  Result<mesos::TaskStatus> slaveTaskStatusDecorator(
      const mesos::FrameworkID& frameworkId, const mesos::TaskStatus& status) override
  {
    tell("slaveTaskStatusDecorator", frameworkId.value(), bytes(status));
    return answer<mesos::TaskStatus>("slaveTaskStatusDecorator");
  }

  Result<mesos::Resources> slaveResourcesDecorator(const mesos::SlaveInfo& agent) override
  {
    tell("slaveResourcesDecorator", bytes(agent));
    const auto made = answer<mesos::SlaveInfo>("slaveResourcesDecorator");
    return part<mesos::Resources>(made, [](const mesos::SlaveInfo& info) { return info.resources(); });
  }

  Result<mesos::Attributes> slaveAttributesDecorator(const mesos::SlaveInfo& agent) override
  {
    tell("slaveAttributesDecorator", bytes(agent));
    const auto made = answer<mesos::SlaveInfo>("slaveAttributesDecorator");
    return part<mesos::Attributes>(made, [](const mesos::SlaveInfo& info) { return info.attributes(); });
  }

private:
  template <typename Message>
  Result<Message> answer(const char* method) const
  {
    const auto found = answers_.find(method);
    if (found == answers_.end()) return None();
    if (found->second == "error") return Error(REFUSAL);
    return parse<Message>(fromHex(found->second.substr(1)));
  }

  Try<Nothing> done(const char* method) const
  {
    if (answers_.count(method) != 0) return Error(REFUSAL);
    return Nothing();
  }

  template <typename Part, typename Message, typename Take>
  static Result<Part> part(const Result<Message>& message, Take&& take)
  {
    if (message.isError()) return Error(message.error());
    if (message.isNone()) return None();
    return Part(take(message.get()));
  }

  std::map<std::string, std::string> answers_;
};

mesos::Hook* create(const mesos::Parameters& parameters)
{
  return new OtherHook(parameters);
}

} // namespace {
} // namespace driver {

extern "C" {
extern const mesos::modules::Module<mesos::Hook> org_apportion_test_OtherHook;
const mesos::modules::Module<mesos::Hook> org_apportion_test_OtherHook = {
    {"2", "1.11.0", "Hook", "The Apportion authors", "apportion@example.org", "A second hook module", nullptr},
    driver::create};
}
