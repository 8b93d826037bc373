// The 28 methods of the allocator, with the offers it makes.
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include <mesos/allocator/allocator.hpp>

#include "driver.hpp"

namespace driver {
namespace {

using mesos::allocator::Allocator;
using mesos::allocator::InverseOfferStatus;

typedef hashmap<std::string, hashmap<mesos::SlaveID, mesos::Resources>> OfferMap;

/** Collects the offers of the callback, which runs in the allocator's own actor. */
class Offers
{
public:
  void add(const mesos::FrameworkID& framework, const OfferMap& offers)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& role : offers) {
      for (const auto& agent : role.second) {
        all_.push_back({framework.value(), role.first, agent.first.value(), agent.second});
      }
    }
    changed_.notify_all();
  }

  struct Offer
  {
    std::string framework, role, agent;
    mesos::Resources resources;
  };

  /** The next offer; fails the test when none comes. */
  Offer next()
  {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(20), [&] { return taken_ < all_.size(); })) {
      fail(__FILE__, __LINE__, "no offer came");
    }
    return all_[taken_++];
  }

  /** Whether no offer comes for a while. */
  bool quiet(std::chrono::milliseconds time)
  {
    std::unique_lock<std::mutex> lock(mutex_);
    return !changed_.wait_for(lock, time, [&] { return taken_ < all_.size(); });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Offer> all_;
  size_t taken_ = 0;
};

template <typename Condition>
void eventually(Condition&& condition, const char* what)
{
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  fail(__FILE__, __LINE__, what);
}

mesos::allocator::Options options()
{
  mesos::allocator::Options made;
  made.allocationInterval = Nanoseconds(50000000);
  made.filterGpuResources = true;
  made.fairnessExcludeResourceNames = std::set<std::string>{"ports"};
  made.maxCompletedFrameworks = 5;
  made.publishPerFrameworkMetrics = true;
  made.recoveryTimeout = Seconds(600);
  made.agentRecoveryFactor = 0.8;
  return made;
}

// MULTI_ROLE, SHARED_RESOURCES, RESERVATION_REFINEMENT
const std::string FRAMEWORK = field(1, "user") + field(2, "spark") + field(3, field(1, "framework-1")) +
                              field(10, number(1, 6)) + field(10, number(1, 4)) + field(10, number(1, 7)) +
                              field(12, "prod");
const std::string AGENT = field(1, "host-7") + field(6, field(1, "agent-1"));

/** A fixture: a started allocator with one agent and one framework, if the entry under test lets it come so far. */
class Cluster
{
public:
  explicit Cluster(Allocator* made, std::function<void()> onOffer = nullptr) : allocator(made)
  {
    HOLDS(allocator != nullptr);
    allocator->initialize(
        options(),
        [this, onOffer](const mesos::FrameworkID& id, const OfferMap& map) {
          if (onOffer) onOffer();
          offers.add(id, map);
        },
        [](const mesos::FrameworkID&, const hashmap<mesos::SlaveID, mesos::UnavailableResources>&) {});
  }

  void addFramework()
  {
    allocator->addFramework(
        framework, parse<mesos::FrameworkInfo>(FRAMEWORK), {}, true, mesos::allocator::FrameworkOptions());
  }

  void addAgent()
  {
    const std::vector<mesos::SlaveInfo_Capability> capabilities{
        parse<mesos::SlaveInfo_Capability>(number(1, 1)), parse<mesos::SlaveInfo_Capability>(number(1, 2))};
    allocator->addSlave(agent, info, capabilities, None(), total, {});
  }

  const mesos::FrameworkID framework = id<mesos::FrameworkID>("framework-1");
  const mesos::SlaveID agent = id<mesos::SlaveID>("agent-1");
  const mesos::SlaveInfo info = parse<mesos::SlaveInfo>(AGENT);
  const mesos::Resources total =
      mesos::Resources::parse("cpus:4;mem:1024;ports:[31000-31009];cpus(prod):2;disks:{a,b}").get();
  const mesos::Unavailability unavailability =
      parse<mesos::Unavailability>(field(1, number(1, 1000)) + field(2, number(1, 500)));
  Offers offers;
  // Declared last: its actor uses the members above until it has ended.
  const std::unique_ptr<Allocator> allocator;
};

/** An operator's reservation of unreserved cpus. */
mesos::Offer_Operation reserve(const std::string& role, double cpus)
{
  const std::string reserved = resource("cpus", cpus) + field(13, number(4, 2) + field(3, role));
  return parse<mesos::Offer_Operation>(number(1, 2) + field(3, field(1, reserved)));
}

/** Walks through offers, declines, filters, suppression and reservations. */
void offersAndDeclines(Cluster& c)
{
  c.addFramework();
  c.addAgent();
  const Offers::Offer first = c.offers.next();
  HOLDS(first.framework == "framework-1" && first.role == "prod" && first.agent == "agent-1");
  HOLDS(first.resources.size() == 5);
  HOLDS(c.offers.quiet(std::chrono::milliseconds(200)));

  // A task takes one cpu, the rest comes back at once.
  const mesos::Resources task = parse<mesos::Resource>(resource("cpus", 1, "prod"));
  const mesos::Resources rest =
      first.resources.apply(mesos::ResourceConversion{task, mesos::Resources(), None()}).get();
  c.allocator->transitionOfferedToAllocated(c.agent, task);
  c.allocator->recoverResources(c.framework, c.agent, rest, None(), false);
  const Offers::Offer second = c.offers.next();
  HOLDS(second.resources == rest);

  // A refused offer stays away for its time.
  c.allocator->recoverResources(
      c.framework, c.agent, second.resources, parse<mesos::Filters>(real(1, 3600.0)), false);
  HOLDS(c.offers.quiet(std::chrono::milliseconds(300)));
  c.allocator->suppressOffers(c.framework, {});
  c.allocator->reviveOffers(c.framework, {"prod"});
  HOLDS(c.offers.next().resources == rest);
  c.allocator->recoverResources(c.framework, c.agent, rest, None(), false);
  HOLDS(c.offers.next().resources == rest);

  // The framework reserves two of its cpus.
  const mesos::Resources consumed = parse<mesos::Resource>(resource("cpus", 2, "prod"));
  const mesos::Resources converted =
      parse<mesos::Resource>(resource("cpus", 2, "prod") + field(13, number(4, 2) + field(3, "prod")));
  const mesos::ResourceConversion conversion{consumed, converted, None()};
  c.allocator->updateAllocation(c.framework, c.agent, rest, {conversion});
  const mesos::Resources reserved = rest.apply(conversion).get();
  c.allocator->recoverResources(c.framework, c.agent, reserved, None(), false);
  HOLDS(c.offers.next().resources == reserved);
  c.allocator->recoverResources(c.framework, c.agent, task, None(), true);
}

void operatorCalls(Cluster& c)
{
  const auto refused = c.allocator->updateAvailable(c.agent, {reserve("prod", 400)});
  eventually([&] { return !refused.isPending(); }, "an answer to a reservation that does not fit");
  HOLDS(refused.isFailed() && !refused.failure().empty());
  const auto unknown = c.allocator->updateAvailable(id<mesos::SlaveID>("nobody"), {reserve("prod", 1)});
  eventually([&] { return !unknown.isPending(); }, "an answer for an agent that is not there");
  HOLDS(unknown.isFailed());

  c.allocator->updateUnavailability(c.agent, c.unavailability);
  const auto statuses = c.allocator->getInverseOfferStatuses();
  eventually([&] { return statuses.isReady(); }, "the statuses of inverse offers");
  HOLDS(statuses.get().size() == 1 && statuses.get().count(c.agent) == 1);
  c.allocator->updateInverseOffer(
      c.agent, c.framework, None(), parse<InverseOfferStatus>(number(1, 2) + field(2, field(1, "framework-1"))),
      None());

  c.allocator->updateWhitelist(hashset<std::string>{"host-7"});
  c.allocator->updateWhitelist(None());
  c.allocator->requestResources(c.framework, {mesos::Request()});
  c.allocator->updateWeights({parse<mesos::WeightInfo>(real(1, 2.0) + field(2, "prod"))});
  c.allocator->updateQuota("prod", mesos::Quota());
  c.allocator->updateSlave(c.agent, c.info, c.total, None());
  c.allocator->addResourceProvider(c.agent, mesos::Resources::parse("disk:10").get(), {});
  c.allocator->deactivateSlave(c.agent);
  c.allocator->activateSlave(c.agent);
  c.allocator->pause();
  c.allocator->resume();
}

/** A shared volume of role prod; with a role it is allocated to it. */
mesos::Resources sharedVolume(const std::string& role)
{
  const std::string volume = field(1, "data") + number(3, 1);
  const std::string disk = field(1, field(1, "volume-1")) + field(2, volume);
  const mesos::Resources made = parse<mesos::Resource>(
      resource("disk", 10, role) + field(7, disk) + field(10, "") + field(13, number(4, 2) + field(3, "prod")));
  HOLDS(made.size() == 1);
  return made;
}

/** Two tasks use one shared volume, and end one after the other: both copies must have crossed the border. */
void copiesOfSharedVolume(Cluster& c)
{
  const auto other = id<mesos::SlaveID>("agent-2");
  const mesos::Resources one = sharedVolume("prod");
  mesos::Resources two = one;
  two += one;
  HOLDS(two.size() == 1 && two.count(*two.begin()) == 2);
  c.allocator->addSlave(
      other, parse<mesos::SlaveInfo>(field(1, "host-8") + field(6, field(1, "agent-2"))), {}, None(), sharedVolume(""),
      {{c.framework, two}});
  c.allocator->recoverResources(c.framework, other, one, None(), true);
  c.allocator->recoverResources(c.framework, other, one, None(), true);
  c.allocator->removeSlave(other);
}

void comeAndGo(Cluster& c)
{
  mesos::allocator::FrameworkOptions suppressed;
  suppressed.suppressedRoles.insert("prod");
  c.allocator->updateFramework(c.framework, parse<mesos::FrameworkInfo>(FRAMEWORK), std::move(suppressed));
  c.allocator->deactivateFramework(c.framework);
  c.allocator->activateFramework(c.framework);
  c.allocator->removeFramework(c.framework);
  c.allocator->removeSlave(c.agent);
  // Late returns find nobody and change nothing.
  c.allocator->recoverResources(c.framework, c.agent, mesos::Resources::parse("cpus:1").get(), None(), false);
  const auto statuses = c.allocator->getInverseOfferStatuses();
  eventually([&] { return statuses.isReady(); }, "the end of the mailbox");
  HOLDS(statuses.get().empty());
}

/** One call of each method, by the name of its entry point. */
std::map<std::string, std::function<void()>> callsOf(Cluster& c)
{
  return {
      {"allocator.publish_metrics", [] {}},
      {"allocator.initialize", [] {}},
      {"allocator.recover", [&] { c.allocator->recover(1, {}); }},
      {"allocator.add_framework", [&] { c.addFramework(); }},
      {"allocator.remove_framework", [&] { c.allocator->removeFramework(c.framework); }},
      {"allocator.activate_framework", [&] { c.allocator->activateFramework(c.framework); }},
      {"allocator.deactivate_framework", [&] { c.allocator->deactivateFramework(c.framework); }},
      {"allocator.update_framework",
       [&] {
         c.allocator->updateFramework(
             c.framework, parse<mesos::FrameworkInfo>(FRAMEWORK), mesos::allocator::FrameworkOptions());
       }},
      {"allocator.add_slave", [&] { c.addAgent(); }},
      {"allocator.remove_slave", [&] { c.allocator->removeSlave(c.agent); }},
      {"allocator.update_slave", [&] { c.allocator->updateSlave(c.agent, c.info, None(), None()); }},
      {"allocator.add_resource_provider", [&] { c.allocator->addResourceProvider(c.agent, c.total, {}); }},
      {"allocator.activate_slave", [&] { c.allocator->activateSlave(c.agent); }},
      {"allocator.deactivate_slave", [&] { c.allocator->deactivateSlave(c.agent); }},
      {"allocator.update_whitelist", [&] { c.allocator->updateWhitelist(None()); }},
      {"allocator.request_resources", [&] { c.allocator->requestResources(c.framework, {}); }},
      {"allocator.update_allocation",
       [&] { c.allocator->updateAllocation(c.framework, c.agent, c.total, {}); }},
      {"allocator.update_available", [&] { c.allocator->updateAvailable(c.agent, {}); }},
      {"allocator.update_unavailability", [&] { c.allocator->updateUnavailability(c.agent, None()); }},
      {"allocator.update_inverse_offer",
       [&] { c.allocator->updateInverseOffer(c.agent, c.framework, None(), None(), None()); }},
      {"allocator.get_inverse_offer_statuses", [&] { c.allocator->getInverseOfferStatuses(); }},
      {"allocator.transition_offered_to_allocated",
       [&] { c.allocator->transitionOfferedToAllocated(c.agent, c.total); }},
      {"allocator.recover_resources",
       [&] { c.allocator->recoverResources(c.framework, c.agent, c.total, None(), false); }},
      {"allocator.keeps_commits", [] {}},
      {"allocator.commit_add_slave", [&] { c.addAgent(); }},
      {"allocator.commit_remove_slave", [&] { c.allocator->removeSlave(c.agent); }},
      {"allocator.commit_update_slave", [&] { c.allocator->updateSlave(c.agent, c.info, None(), None()); }},
      {"allocator.commit_transition", [&] { c.allocator->transitionOfferedToAllocated(c.agent, c.total); }},
      {"allocator.commit_recover",
       [&] { c.allocator->recoverResources(c.framework, c.agent, c.total, None(), true); }},
      {"allocator.commit_remove_framework", [&] { c.allocator->removeFramework(c.framework); }},
      {"allocator.suppress_offers", [&] { c.allocator->suppressOffers(c.framework, {}); }},
      {"allocator.revive_offers", [&] { c.allocator->reviveOffers(c.framework, {}); }},
      {"allocator.update_quota", [&] { c.allocator->updateQuota("prod", mesos::Quota()); }},
      {"allocator.update_weights", [&] { c.allocator->updateWeights({}); }},
      {"allocator.pause", [&] { c.allocator->pause(); }},
      {"allocator.resume", [&] { c.allocator->resume(); }},
      {"allocator.tick", [] {}},
      {"allocator.cycle", [&] { c.addAgent(); }},
  };
}

/** Calls the method that panics on purpose; the process must end. */
void panicIn(Cluster& c, const std::string& entry)
{
  const std::map<std::string, std::function<void()>> calls = callsOf(c);
  HOLDS(calls.count(entry) == 1);
  calls.at(entry)();
  std::this_thread::sleep_for(std::chrono::seconds(20));
  fail(__FILE__, __LINE__, "the process goes on after a panic in " + entry);
}

} // namespace {

void driveAllocator(const Library& library, const std::string& parameters, const std::string& entry)
{
  {
    Cluster cluster(library.make<Allocator>("org_apportion_Allocator", parameters));
    if (!entry.empty()) panicIn(cluster, entry);
    cluster.allocator->recover(1, {});
    offersAndDeclines(cluster);
    operatorCalls(cluster);
    copiesOfSharedVolume(cluster);
    comeAndGo(cluster);
  }
  // One that was never initialized ends as well.
  const std::unique_ptr<Allocator> idle(library.make<Allocator>("org_apportion_Allocator", parameters));
  HOLDS(idle != nullptr);
}

void callEverything(void* allocator)
{
  Cluster cluster(static_cast<Allocator*>(allocator));
  for (const auto& call : callsOf(cluster)) call.second();
  // Richer arguments than the calls above have.
  hashmap<std::string, mesos::Quota> quotas;
  quotas.emplace("prod", mesos::Quota());
  cluster.allocator->recover(3, quotas);
  cluster.allocator->addSlave(
      cluster.agent, cluster.info, {}, cluster.unavailability, cluster.total, {{cluster.framework, cluster.total}});
  cluster.allocator->updateSlave(cluster.agent, cluster.info, cluster.total, std::vector<mesos::SlaveInfo_Capability>(2));
  const mesos::ResourceConversion conversion{cluster.total, cluster.total, None()};
  cluster.allocator->updateAllocation(cluster.framework, cluster.agent, cluster.total, {conversion, conversion});
  cluster.allocator->updateWhitelist(hashset<std::string>{"host-7", "host-8"});
  cluster.allocator->suppressOffers(cluster.framework, {"prod", "web"});
  const auto done = cluster.allocator->updateAvailable(cluster.agent, {reserve("prod", 1), reserve("web", 1)});
  eventually([&] { return done.isReady(); }, "the end of the mailbox");
}

void offerToThrowingCallback(const Library& library, const std::string& parameters)
{
  Cluster cluster(
      library.make<Allocator>("org_apportion_Allocator", parameters),
      []() { throw std::runtime_error("the callback is out of order"); });
  cluster.addFramework();
  cluster.addAgent();
  std::this_thread::sleep_for(std::chrono::seconds(20));
  fail(__FILE__, __LINE__, "the process goes on after an exception");
}

} // namespace driver {
