// The two methods of the QoS controller: what the agent reports, what it is told, and who wakes it.
#include <unistd.h>

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include <mesos/slave/isolator.hpp>
#include <mesos/slave/qos_controller.hpp>

#include "driver.hpp"

namespace driver {
namespace {

const char* const PAGE = "/apportion/evictions";

bool contains(const std::string& text, const std::string& part)
{
  return text.find(part) != std::string::npos;
}

/** Whether it comes to be within hundredths of a second, ten seconds unless told. */
bool comes(const std::function<bool()>& condition, int hundredths = 1000)
{
  for (int i = 0; i < hundredths; ++i) {
    if (condition()) return true;
    usleep(10000);
  }
  return condition();
}

/** An executor of framework "f" with one task that has all its resources. */
std::string executor(const std::string& id, const std::string& resource)
{
  const std::string info = field(1, field(1, id)) + field(8, field(1, "f"));
  const std::string task = field(1, "task") + field(2, field(1, "t")) + field(3, resource);
  return field(1, field(1, info) + field(2, resource) + field(4, field(1, "c-" + id)) + field(5, task));
}

/** An agent of four cpus that lent two. */
std::string lending()
{
  return field(2, resource("cpus", 4)) + executor("borrower", resource("cpus", 2, "batch") + field(9, ""));
}

/** The agent, as the controller asks for it. */
class Agent
{
public:
  explicit Agent(const std::string& usage) : usage_(usage) {}

  std::function<process::Future<mesos::ResourceUsage>()> question()
  {
    return [this]() -> process::Future<mesos::ResourceUsage> {
      ++asked;
      const std::lock_guard<std::mutex> lock(mutex_);
      if (usage_.empty()) return process::Failure("no statistics today");
      return parse<mesos::ResourceUsage>(usage_);
    };
  }

  /** What it reports from now on; nothing: it fails. */
  void set(const std::string& usage)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    usage_ = usage;
  }

  std::atomic<int> asked{0};

private:
  std::mutex mutex_;
  std::string usage_;
};

std::string kill(const std::string& id)
{
  return number(1, 1) + field(2, field(1, field(1, "f")) + field(2, field(1, id)) + field(3, field(1, "c-" + id)));
}

void prepare(mesos::slave::Isolator& isolator, const std::string& container)
{
  const std::string config = field(3, "/sandbox") + field(11, field(3, "run"));
  const auto prepared =
      isolator.prepare(id<mesos::ContainerID>(container), parse<mesos::slave::ContainerConfig>(config));
  HOLDS(prepared.isReady());
}

/** An owner comes, and its borrower goes. */
void evict(const Library& library, const std::string& parameters, mesos::slave::QoSController& controller, Agent& agent)
{
  const auto corrections = controller.corrections();
  HOLDS(comes([&] { return metrics().at("apportion/eviction/looks") >= 1; }));
  HOLDS(corrections.isPending());
  const std::unique_ptr<mesos::slave::Isolator> isolator(
      library.make<mesos::slave::Isolator>("org_apportion_Isolator", parameters));
  HOLDS(isolator != nullptr);
  agent.set(lending() + executor("owner", resource("cpus", 3, "prod")));
  prepare(*isolator, "c-owner");
  HOLDS(comes([&] { return corrections.isReady(); }));
  HOLDS(corrections.get().size() == 1 && bytes(corrections.get().front()) == kill("borrower"));
  HOLDS(metrics().at("apportion/eviction/evictions") == 1);
  const std::string page = httpGet(PAGE);
  HOLDS(contains(page, "200 OK") && contains(page, "\"evictions_by_role\":{\"batch\":1}"));

  // It is going: nobody else has to.
  const int asked = agent.asked;
  const auto more = controller.corrections();
  HOLDS(comes([&] { return agent.asked > asked; }));
  prepare(*isolator, "another");
  HOLDS(comes([&] { return agent.asked > asked + 1; }) && more.isPending());
  agent.set("");
  prepare(*isolator, "a third");
  HOLDS(comes([&] { return metrics().at("apportion/eviction/failed_looks") >= 1; }) && more.isPending());
}

/** Many threads wake it at once while it looks. */
void wakeFromManyThreads(const Library& library, const std::string& parameters, Agent& agent)
{
  agent.set(lending());
  const std::unique_ptr<mesos::slave::QoSController> controller(
      library.make<mesos::slave::QoSController>("org_apportion_QoSController", parameters));
  HOLDS(controller != nullptr && controller->initialize(agent.question()).isSome());
  const auto corrections = controller->corrections();
  const std::unique_ptr<mesos::slave::Isolator> isolator(
      library.make<mesos::slave::Isolator>("org_apportion_Isolator", parameters));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&isolator, thread] {
      for (int i = 0; i < 200; ++i) prepare(*isolator, std::to_string(thread) + "-" + std::to_string(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  HOLDS(corrections.isPending());
  agent.set(lending() + executor("owner", resource("cpus", 3, "prod")));
  prepare(*isolator, "last");
  HOLDS(comes([&] { return corrections.isReady(); }));
}

/** Where nobody borrows the agent is not asked what runs there, however often the controller is woken. */
void askNothingWithoutBorrowers(const Library& library, const std::string& parameters)
{
  Agent agent(lending() + executor("owner", resource("cpus", 3, "prod")));
  const std::unique_ptr<mesos::slave::QoSController> controller(
      library.make<mesos::slave::QoSController>("org_apportion_QoSController", ""));
  HOLDS(controller != nullptr && controller->initialize(agent.question()).isSome());
  const auto corrections = controller->corrections();
  const std::unique_ptr<mesos::slave::Isolator> isolator(
      library.make<mesos::slave::Isolator>("org_apportion_Isolator", parameters));
  HOLDS(isolator != nullptr);
  prepare(*isolator, "c-owner");
  HOLDS(!comes([&] { return agent.asked > 0; }, 50) && corrections.isPending());
}

} // namespace {

void driveQosController(const Library& library, const std::string& parameters, const std::string& entry)
{
  Agent agent(lending());
  std::unique_ptr<mesos::slave::QoSController> controller(
      library.make<mesos::slave::QoSController>("org_apportion_QoSController", parameters));
  // A controller that nobody can wake is none.
  if (entry == "qos_controller.listen") {
    HOLDS(controller == nullptr);
    return;
  }
  HOLDS(controller != nullptr);
  if (entry == "qos_controller.usage_failed") agent.set("");
  const Try<Nothing> initialized = controller->initialize(agent.question());
  if (entry == "qos_controller.initialize") {
    HOLDS(initialized.isError() && contains(initialized.error(), entry));
    HOLDS(controller->corrections().isPending());
    return;
  }
  HOLDS(initialized.isSome());
  if (entry.empty()) {
    evict(library, parameters, *controller, agent);
    controller.reset();
    HOLDS(contains(httpGet(PAGE), "404 Not Found"));
    wakeFromManyThreads(library, parameters, agent);
    askNothingWithoutBorrowers(library, parameters);
    return;
  }
  const auto corrections = controller->corrections();
  HOLDS(comes([&] { return agent.asked >= 1; }));
  if (entry == "qos_controller.metrics" || entry == "qos_controller.metric") {
    HOLDS(metrics().count("apportion/eviction/looks") == 0);
  } else if (entry == "qos_controller.report") {
    const std::string page = httpGet(PAGE);
    HOLDS(contains(page, "500 Internal Server Error") && contains(page, entry) && contains(page, "drill"));
  } else {
    HOLDS(entry == "qos_controller.corrections" || entry == "qos_controller.usage_failed");
    HOLDS(metrics().at("apportion/eviction/looks") == 0 && metrics().at("apportion/eviction/failed_looks") == 0);
  }
  HOLDS(corrections.isPending());
}

} // namespace driver {
