// Hook modules in the host's own hook manager: made by its module manager from a modules JSON, called as master and agent
// call them. Loaded by the rig's launcher, also under a memory checker.
//
//   MODULES NAMES CALLS   folder of modules JSON files, names of hooks with commas between them, file of calls
//
// A line of CALLS is the name of a method and its arguments; what comes back is printed, and the test compares.
#include <chrono>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include <mesos/mesos.hpp>
#include <mesos/resources.hpp>
#include <process/future.hpp>

#include "wire.hpp"

namespace mesos {
namespace modules {

/** Loads the libraries that the files of a folder name. */
class ModuleManager
{
public:
  static Try<Nothing> load(const std::string& folder);
};

} // namespace modules {

namespace internal {

/** Asks every hook in turn. Mesos keeps it to itself, so the library never calls it. */
class HookManager
{
public:
  static Try<Nothing> initialize(const std::string& names);

  static Labels masterLaunchTaskLabelDecorator(const TaskInfo&, const FrameworkInfo&, const SlaveInfo&);
  static Resources masterLaunchTaskResourceDecorator(const TaskInfo&, const Resources&);
  static void masterSlaveLostHook(const SlaveInfo&);
  static Labels slaveRunTaskLabelDecorator(
      const TaskInfo&, const ExecutorInfo&, const FrameworkInfo&, const SlaveInfo&);
  static Environment slaveExecutorEnvironmentDecorator(ExecutorInfo);
  static process::Future<DockerTaskExecutorPrepareInfo> slavePreLaunchDockerTaskExecutorDecorator(
      const Option<TaskInfo>&,
      const ExecutorInfo&,
      const std::string&,
      const std::string&,
      const std::string&,
      const Option<std::map<std::string, std::string>>&);
  static void slavePostFetchHook(const ContainerID&, const std::string&);
  static void slaveRemoveExecutorHook(const FrameworkInfo&, const ExecutorInfo&);
  static TaskStatus slaveTaskStatusDecorator(const FrameworkID&, TaskStatus);
  static Resources slaveResourcesDecorator(const SlaveInfo&);
  static Attributes slaveAttributesDecorator(const SlaveInfo&);
};

} // namespace internal {
} // namespace mesos {

namespace driver {
namespace {

using mesos::internal::HookManager;

/** The arguments of a call: `-` for none, else `=` and bytes. */
class Arguments
{
public:
  explicit Arguments(std::vector<std::string> words) : words_(std::move(words)) {}

  bool given(size_t position) const { return words_.at(position) != "-"; }

  std::string text(size_t position) const
  {
    const std::string& word = words_.at(position);
    if (word.empty() || word[0] != '=') fail(__FILE__, __LINE__, "not an argument: " + word);
    return fromHex(word.substr(1));
  }

  template <typename Message>
  Message message(size_t position) const
  {
    return parse<Message>(text(position));
  }

private:
  std::vector<std::string> words_;
};

/** Lines of `NAME=value`. */
std::map<std::string, std::string> pairs(const std::string& text)
{
  std::map<std::string, std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    found[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
  }
  return found;
}

/** Waits for an answer that the host puts together from those of all hooks. */
std::string awaited(const process::Future<mesos::DockerTaskExecutorPrepareInfo>& future)
{
  for (int i = 0; i < 2000; ++i) {
    if (future.isReady()) return "=" + toHex(bytes(future.get()));
    if (future.isFailed()) return "failed " + future.failure();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  fail(__FILE__, __LINE__, "the answer for a Docker container hangs");
}

/** Waits until a file has so many lines: hooks write behind the host's back. */
void awaitLines(const std::string& path, size_t wanted)
{
  size_t found = 0;
  for (int i = 0; i < 2000; ++i) {
    std::ifstream file(path);
    found = 0;
    for (std::string line; std::getline(file, line);) ++found;
    if (found >= wanted) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  fail(__FILE__, __LINE__, path + " has " + std::to_string(found) + " lines");
}

template <typename Message>
std::string shown(const Message& message)
{
  return "=" + toHex(bytes(message));
}

std::string docker(const Arguments& given)
{
  Option<mesos::TaskInfo> task;
  if (given.given(0)) task = given.message<mesos::TaskInfo>(0);
  Option<std::map<std::string, std::string>> environment;
  if (given.given(5)) environment = pairs(given.text(5));
  return awaited(HookManager::slavePreLaunchDockerTaskExecutorDecorator(
      task, given.message<mesos::ExecutorInfo>(1), given.text(2), given.text(3), given.text(4), environment));
}

typedef std::function<std::string(const Arguments&)> Method;

const std::map<std::string, Method>& methods()
{
  using namespace mesos;
  static const std::map<std::string, Method> all = {
      {"masterLaunchTaskLabelDecorator",
       [](const Arguments& given) {
         return shown(HookManager::masterLaunchTaskLabelDecorator(
             given.message<TaskInfo>(0), given.message<FrameworkInfo>(1), given.message<SlaveInfo>(2)));
       }},
      {"masterLaunchTaskResourceDecorator",
       [](const Arguments& given) {
         const Resources agent(given.message<SlaveInfo>(1).resources());
         return "=" + toHex(listed(HookManager::masterLaunchTaskResourceDecorator(given.message<TaskInfo>(0), agent)));
       }},
      {"slaveRunTaskLabelDecorator",
       [](const Arguments& given) {
         return shown(HookManager::slaveRunTaskLabelDecorator(
             given.message<TaskInfo>(0), given.message<ExecutorInfo>(1), given.message<FrameworkInfo>(2),
             given.message<SlaveInfo>(3)));
       }},
      {"slaveExecutorEnvironmentDecorator",
       [](const Arguments& given) {
         return shown(HookManager::slaveExecutorEnvironmentDecorator(given.message<ExecutorInfo>(0)));
       }},
      {"slavePreLaunchDockerTaskExecutorDecorator", docker},
      {"slaveTaskStatusDecorator",
       [](const Arguments& given) {
         return shown(HookManager::slaveTaskStatusDecorator(
             id<FrameworkID>(given.text(0)), given.message<TaskStatus>(1)));
       }},
      {"slaveResourcesDecorator",
       [](const Arguments& given) {
         return "=" + toHex(listed(HookManager::slaveResourcesDecorator(given.message<SlaveInfo>(0))));
       }},
      {"slaveAttributesDecorator",
       [](const Arguments& given) {
         return "=" + toHex(listed(HookManager::slaveAttributesDecorator(given.message<SlaveInfo>(0))));
       }},
      {"masterSlaveLostHook",
       [](const Arguments& given) {
         HookManager::masterSlaveLostHook(given.message<SlaveInfo>(0));
         return "=";
       }},
      {"slavePostFetchHook",
       [](const Arguments& given) {
         HookManager::slavePostFetchHook(given.message<ContainerID>(0), given.text(1));
         return "=";
       }},
      {"slaveRemoveExecutorHook",
       [](const Arguments& given) {
         HookManager::slaveRemoveExecutorHook(given.message<FrameworkInfo>(0), given.message<ExecutorInfo>(1));
         return "=";
       }},
      {"awaitLines",
       [](const Arguments& given) {
         awaitLines(given.text(0), std::stoul(given.text(1)));
         return "=";
       }},
  };
  return all;
}

std::string call(const std::string& line)
{
  std::istringstream words(line);
  std::string method;
  words >> method;
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  const auto found = methods().find(method);
  if (found == methods().end()) fail(__FILE__, __LINE__, "no method " + method);
  return found->second(Arguments(arguments));
}

void callAll(const std::string& modules, const std::string& names, const std::string& calls)
{
  const Try<Nothing> loaded = mesos::modules::ModuleManager::load(modules);
  if (loaded.isError()) fail(__FILE__, __LINE__, loaded.error());
  const Try<Nothing> made = HookManager::initialize(names);
  if (made.isError()) fail(__FILE__, __LINE__, made.error());
  std::ifstream lines(calls);
  for (std::string line; std::getline(lines, line);) std::printf("answer %s\n", call(line).c_str());
}

} // namespace {
} // namespace driver {

extern "C" int rig_main(int argc, char** argv)
{
  if (argc != 4) return 8;
  driver::callAll(argv[1], argv[2], argv[3]);
  return 0;
}
