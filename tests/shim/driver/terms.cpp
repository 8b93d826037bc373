// What a framework's terms lead to in the host: offer constraints, inverse offers, metrics and the debug endpoint.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <mesos/allocator/allocator.hpp>
#include <mesos/authorizer/authorizer.hpp>

#include "driver.hpp"

namespace driver {
namespace {

using mesos::allocator::Allocator;
using mesos::allocator::OfferConstraintsFilter;

const std::string ENDPOINT = "/offer_constraints_debug";

template <typename Condition>
void eventually(Condition&& condition, const char* what)
{
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  fail(__FILE__, __LINE__, what);
}

/** What the allocator calls back, by framework and agent. */
class Calls
{
public:
  void offer(const std::string& framework, const std::string& agent)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    offered_.insert(framework + " " + agent);
  }

  void ask(const std::string& framework, const std::string& agent, const std::string& window)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    asked_.push_back(framework + " " + agent + " " + window);
  }

  bool offered(const std::string& pair)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    return offered_.count(pair) == 1;
  }

  std::vector<std::string> asked()
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    return asked_;
  }

private:
  std::mutex mutex_;
  std::set<std::string> offered_;
  std::vector<std::string> asked_;
};

/** Lets everybody view the framework "constrained" and nothing else; fails when told to. */
class OneOnly : public mesos::Authorizer
{
public:
  process::Future<bool> authorized(const mesos::authorization::Request& request) override
  {
    if (fails) return process::Failure("the authorizer is out of order");
    const std::string text = bytes(request);
    asked.push_back(text);
    return text.find(field(1, "constrained")) != std::string::npos;
  }

  std::vector<std::string> asked;
  std::atomic<bool> fails{false};
};

/** A filter that wants the attribute "rack" in role "prod". */
mesos::allocator::FrameworkOptions wantsRack()
{
  const std::string constraint = field(1, field(2, "rack")) + field(2, field(1, ""));
  const std::string role = field(1, field(1, constraint));
  OfferConstraintsFilter::Options limits;
  limits.re2Limits.maxMem = Bytes(1 << 16);
  limits.re2Limits.maxProgramSize = 100;
  Try<OfferConstraintsFilter> made = OfferConstraintsFilter::create(
      limits, parse<mesos::scheduler::OfferConstraints>(field(1, field(1, "prod") + field(2, role))));
  HOLDS(made.isSome());
  return mesos::allocator::FrameworkOptions{{}, std::move(made.get())};
}

mesos::FrameworkInfo frameworkInfo(const std::string& id)
{
  return parse<mesos::FrameworkInfo>(
      field(1, "user") + field(2, "a name/with slash") + field(3, field(1, id)) + field(10, number(1, 6)) +
      field(10, number(1, 4)) + field(10, number(1, 7)) + field(12, "prod"));
}

mesos::SlaveInfo agentInfo(const std::string& id, bool hasRack)
{
  const std::string rack = field(1, "rack") + number(2, 3) + field(5, field(1, "r1"));
  return parse<mesos::SlaveInfo>(field(1, "host-" + id) + field(6, field(1, id)) + (hasRack ? field(5, rack) : ""));
}

class Terms
{
public:
  explicit Terms(Allocator* made) : allocator(made) { HOLDS(allocator != nullptr); }

  void initialize(const Option<mesos::Authorizer*>& authorizer = None())
  {
    mesos::allocator::Options options;
    options.allocationInterval = Nanoseconds(20000000);
    options.filterGpuResources = true;
    options.maxCompletedFrameworks = 1;
    options.publishPerFrameworkMetrics = true;
    options.readonlyHttpAuthenticationRealm = std::string("a realm without authentication");
    options.authorizer = authorizer;
    options.recoveryTimeout = Seconds(600);
    options.agentRecoveryFactor = 0.8;
    allocator->initialize(
        options,
        [this](
            const mesos::FrameworkID& id, const hashmap<std::string, hashmap<mesos::SlaveID, mesos::Resources>>& map) {
          for (const auto& role : map) {
            for (const auto& agent : role.second) calls.offer(id.value(), agent.first.value());
          }
        },
        [this](const mesos::FrameworkID& id, const hashmap<mesos::SlaveID, mesos::UnavailableResources>& map) {
          HOLDS(map.size() > 0);
          for (const auto& agent : map) {
            HOLDS(agent.second.resources.size() == 0);
            calls.ask(id.value(), agent.first.value(), bytes(agent.second.unavailability));
          }
        });
  }

  void addFramework(const std::string& id, mesos::allocator::FrameworkOptions&& options = {})
  {
    allocator->addFramework(
        driver::id<mesos::FrameworkID>(id), frameworkInfo(id), {}, true, std::move(options));
  }

  void addAgent(const std::string& id, bool hasRack)
  {
    const std::vector<mesos::SlaveInfo_Capability> capabilities{
        parse<mesos::SlaveInfo_Capability>(number(1, 1)), parse<mesos::SlaveInfo_Capability>(number(1, 2))};
    allocator->addSlave(
        driver::id<mesos::SlaveID>(id), agentInfo(id, hasRack), capabilities, None(),
        mesos::Resources::parse("cpus:4;mem:1024").get(), {});
  }

  Calls calls;
  // Declared last: its actor uses the members above until it has ended.
  const std::unique_ptr<Allocator> allocator;
};

/** The path of the endpoint: several allocators of one process have actors of different names. */
std::string endpointPath()
{
  for (int number = 20; number > 1; --number) {
    const std::string path = "/allocator(" + std::to_string(number) + ")" + ENDPOINT;
    if (httpGet(path).find("404 Not Found") == std::string::npos) return path;
  }
  return "/allocator" + ENDPOINT;
}

/** A constrained framework is offered only the agents that its filter lets through, as agents come and change. */
void constraints(Terms& terms)
{
  terms.addAgent("plain", false);
  terms.addFramework("constrained", wantsRack());
  terms.addAgent("racked", true);
  terms.addAgent("late", false);
  eventually([&] { return terms.calls.offered("constrained racked"); }, "an offer of the agent with a rack");
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  HOLDS(!terms.calls.offered("constrained plain") && !terms.calls.offered("constrained late"));

  const std::string text = httpGet(endpointPath());
  HOLDS(text.find("200 OK") != std::string::npos && text.find("application/json") != std::string::npos);
  HOLDS(text.find(R"("constrained":{"suppressed_roles":[],"excluded_by_attribute_constraints":{"prod":["late","plain"]}})") !=
        std::string::npos);

  terms.allocator->updateSlave(id<mesos::SlaveID>("late"), agentInfo("late", true));
  eventually([&] { return terms.calls.offered("constrained late"); }, "an offer of the agent that got a rack");
  terms.allocator->updateFramework(
      id<mesos::FrameworkID>("constrained"), frameworkInfo("constrained"), mesos::allocator::FrameworkOptions());
  eventually([&] { return terms.calls.offered("constrained plain"); }, "an offer without constraints");
}

/** Who holds an agent is asked once to leave it, with the window, before its maintenance. */
void inverseOffers(Terms& terms)
{
  const std::string window = field(1, number(1, 1000)) + field(2, number(1, 500));
  for (const char* agent : {"racked", "plain"}) {
    terms.allocator->updateUnavailability(
        id<mesos::SlaveID>(agent), parse<mesos::Unavailability>(window));
  }
  eventually([&] { return terms.calls.asked().size() == 2; }, "inverse offers");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  std::vector<std::string> asked = terms.calls.asked();
  std::sort(asked.begin(), asked.end());
  HOLDS(asked.size() == 2 && asked[0] == "constrained plain " + window && asked[1] == "constrained racked " + window);
}

const char* const GAUGE = "master/frameworks/a%20name%2Fwith%20slash/constrained/roles/prod/suppressed";

void numbers(Terms& terms)
{
  std::map<std::string, double> found = metrics();
  HOLDS(found.at("allocator/mesos/resources/cpus/total") == 12);
  HOLDS(found.at("allocator/mesos/resources/cpus/offered_or_allocated") == 12);
  HOLDS(found.at("allocator/mesos/roles/prod/shares/dominant") == 1);
  HOLDS(found.at("allocator/mesos/offer_filters/roles/prod/active") == 0);
  HOLDS(found.at("allocator/mesos/allocation_runs") >= 2);
  for (const char* name : {"", "/count", "/max", "/min", "/p50", "/p90", "/p95", "/p99", "/p999", "/p9999"}) {
    HOLDS(found.count(std::string("allocator/mesos/allocation_run_ms") + name) == 1);
    HOLDS(found.count(std::string("allocator/mesos/allocation_run_latency_ms") + name) == 1);
  }
  HOLDS(found.at("allocator/mesos/event_queue_dispatches") < 100);
  HOLDS(found.at("allocator/event_queue_dispatches") < 100);
  HOLDS(found.at("allocator/apportion/inverse_offers_made") == 2);
  HOLDS(found.at(GAUGE) == 0);
  terms.allocator->suppressOffers(id<mesos::FrameworkID>("constrained"), {});
  eventually([] { return metrics().at(GAUGE) == 1; }, "a gauge that follows a suppression");
  terms.allocator->removeFramework(id<mesos::FrameworkID>("constrained"));
  eventually(
      [] { return metrics().count("allocator/mesos/roles/prod/shares/dominant") == 0; },
      "the end of a share with its last framework");
  HOLDS(metrics().count(GAUGE) == 1);
}

/** Frameworks that the principal may not view are left out; an authorizer that fails is an error of the server. */
void authorization(const Library& library, const std::string& parameters)
{
  OneOnly authorizer;
  Terms terms(library.make<Allocator>("org_apportion_Allocator", parameters));
  terms.initialize(&authorizer);
  terms.addFramework("constrained");
  terms.addFramework("hidden");
  std::string path;
  eventually(
      [&] {
        path = endpointPath();
        return httpGet(path).find("\"constrained\"") != std::string::npos;
      },
      "the debug endpoint");
  HOLDS(httpGet(path).find("\"hidden\"") == std::string::npos);
  // No principal: the action, and the framework as the object.
  const std::string request = number(2, 13) + field(3, field(2, bytes(frameworkInfo("hidden"))));
  HOLDS(std::count(authorizer.asked.begin(), authorizer.asked.end(), request) >= 1);
  authorizer.fails = true;
  const std::string refused = httpGet(path);
  HOLDS(refused.find("500 Internal Server Error") != std::string::npos);
  HOLDS(refused.find("the authorizer is out of order") != std::string::npos);
}

/** An entry point that only looks panics on purpose: whoever asked gets nothing, everything else goes on. */
void panicWhileLooking(Terms& terms, const std::string& entry)
{
  terms.initialize();
  terms.addFramework("constrained");
  terms.addAgent("plain", false);
  eventually([&] { return terms.calls.offered("constrained plain"); }, "an offer");
  const auto fails = [](const std::string& path) {
    return httpGet(path).find("500 Internal Server Error") != std::string::npos;
  };
  HOLDS((metrics().count("allocator/mesos/allocation_runs") == 0) == (entry == "allocator.read_metrics"));
  HOLDS(fails(endpointPath()) == (entry == "allocator.offer_constraints_debug"));
  HOLDS(fails("/apportion/lending") == (entry == "allocator.lending_report"));
  terms.addAgent("late", false);
  eventually([&] { return terms.calls.offered("constrained late"); }, "an offer after a panic");
}

} // namespace {

void driveTerms(const Library& library, const std::string& parameters, const std::string& entry)
{
  {
    Terms terms(library.make<Allocator>("org_apportion_Allocator", parameters));
    if (!entry.empty()) return panicWhileLooking(terms, entry);
    // Before the master has initialized its allocator.
    HOLDS(metrics().at("allocator/mesos/resources/mem/total") == 0);
    terms.initialize();
    constraints(terms);
    inverseOffers(terms);
    numbers(terms);
  }
  for (const auto& metric : metrics()) HOLDS(metric.first.compare(0, 10, "allocator/") != 0 && metric.first != GAUGE);
  authorization(library, parameters);
}

void driveUnreadableFilters(const Library& library)
{
  Terms terms(library.make<Allocator>("org_apportion_Allocator", ""));
  terms.initialize();
  terms.addFramework("unconstrained");
  terms.addAgent("plain", false);
  const std::string excluded = R"("unconstrained":{"suppressed_roles":[],"excluded_by_attribute_constraints":{"prod":["plain"]}})";
  eventually(
      [&] { return httpGet(endpointPath()).find(excluded) != std::string::npos; },
      "the answer of a filter that looks like one without constraints");
}

} // namespace driver {
