// A started allocator, its agents and frameworks, and how a round is measured.
#include <cstring>
#include <thread>

#include <process/clock.hpp>

#include "bench.hpp"

namespace bench {
namespace {

/** The batch loop's interval, on the host's clock, which stands still. */
const Seconds INTERVAL(1);

/** The number behind the last dash of an id. */
int numberOf(const std::string& id)
{
  return std::atoi(id.c_str() + id.rfind('-') + 1);
}

/**
 * Waits without sleeping at first: a sleep is longer than many cycles. Whoever has work goes first: with two processors,
 * a loop that never yields would keep the thread that it waits for from running until the end of its slice.
 */
template <typename Condition>
void await(Condition&& done)
{
  const Watch::time_point begun = Watch::now();
  while (!done()) {
    if (Watch::now() - begun > std::chrono::milliseconds(5)) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    } else {
      std::this_thread::yield();
    }
  }
}

mesos::allocator::Options options()
{
  mesos::allocator::Options made;
  made.allocationInterval = INTERVAL;
  made.filterGpuResources = true;
  made.maxCompletedFrameworks = 0;
  made.publishPerFrameworkMetrics = true;
  made.recoveryTimeout = Seconds(600);
  made.agentRecoveryFactor = 0.8;
  return made;
}

} // namespace {

void Sink::take(const mesos::FrameworkID& framework, const OfferMap& offers)
{
  const Watch::time_point entered = Watch::now();
  last_ = entered - spent_;
  const int number = numberOf(framework.value());
  for (const auto& role : offers) {
    count_ += static_cast<long>(role.second.size());
    if (!keeps_) continue;
    for (const auto& agent : role.second) kept_.push_back({number, numberOf(agent.first.value()), agent.second});
  }
  spent_ += Watch::now() - entered;
}

void Sink::reset()
{
  count_ = 0;
  spent_ = {};
  last_ = {};
}

Cluster::Cluster(Allocator* allocator) : allocator_(allocator)
{
  // MULTI_ROLE, HIERARCHICAL_ROLE, RESERVATION_REFINEMENT
  for (const uint64_t one : {1, 2, 3}) {
    capabilities_.push_back(parse<mesos::SlaveInfo_Capability>(wire::number(1, one)));
  }
  pauseClock();
  allocator_->initialize(
      options(),
      [this](const mesos::FrameworkID& id, const OfferMap& map) { sink_.take(id, map); },
      [](const mesos::FrameworkID&, const hashmap<mesos::SlaveID, mesos::UnavailableResources>&) {});
  settle();
}

void Cluster::settle()
{
  // One message leads to the next: the timer's to the batch, that to the request of a cycle, and that to the cycle. What is
  // asked here sends the next question itself, inside the allocator: this thread is woken once.
  std::atomic<bool> passed{false};
  std::function<void(int)> ask = [&](int left) {
    const auto answered = [&ask, &passed, left] {
      if (left == 0) {
        passed.store(true);
      } else {
        ask(left - 1);
      }
    };
    if (agents_.empty()) {
      allocator_->getInverseOfferStatuses().onAny([answered](const auto&) { answered(); });
    } else {
      // Nothing is changed by no operations, on one agent only.
      allocator_->updateAvailable(agents_.front(), {}).onAny([answered](const auto&) { answered(); });
    }
  };
  ask(3);
  await([&] { return passed.load(); });
}

Round Cluster::measure(const std::function<void()>& trigger)
{
  sink_.reset();
  const Watch::time_point begun = Watch::now();
  trigger();
  const Watch::time_point called = Watch::now();
  settle();
  const Watch::time_point quiet = Watch::now() - sink_.spent();
  const Watch::time_point last = sink_.count() > 0 ? sink_.lastArrival() : quiet;
  return {ms(last - begun), ms(quiet - begun), ms(called - begun), sink_.count()};
}

Round Cluster::batch()
{
  // A timer of ours behind that of the batch loop: when it fires, the loop's message is in the mailbox.
  return pass(INTERVAL);
}

Round Cluster::nothing()
{
  // Long before the batch loop is due.
  return pass(Nanoseconds(1000000));
}

Round Cluster::pass(Duration time)
{
  return measure([this, time] {
    std::atomic<bool> fired{false};
    process::Clock::timer(time, [&fired] { fired = true; });
    advanceClock(time);
    await([&] { return fired.load(); });
  });
}

std::string roleName(int number)
{
  return "role-" + std::to_string(number);
}

mesos::FrameworkInfo frameworkInfo(int number, const std::string& role)
{
  // MULTI_ROLE, SHARED_RESOURCES, RESERVATION_REFINEMENT
  const std::string name = "framework-" + std::to_string(number);
  return parse<mesos::FrameworkInfo>(
      field(1, "user") + field(2, name) + field(3, field(1, name)) + field(10, wire::number(1, 6)) +
      field(10, wire::number(1, 4)) + field(10, wire::number(1, 7)) + field(12, role));
}

mesos::SlaveInfo agentInfo(int number)
{
  const std::string text = std::to_string(number);
  return parse<mesos::SlaveInfo>(field(1, "host-" + text) + field(6, field(1, "agent-" + text)));
}

std::vector<NewAgent> Cluster::makeAgents(int count, const std::function<mesos::Resources(int)>& total) const
{
  std::vector<NewAgent> made;
  made.reserve(static_cast<size_t>(count));
  for (int number = agents(); number < agents() + count; ++number) {
    const auto agent = id<mesos::SlaveID>("agent-" + std::to_string(number));
    made.push_back({agent, agentInfo(number), total(number), {}});
  }
  return made;
}

void Cluster::add(const std::vector<NewAgent>& agents)
{
  for (const NewAgent& agent : agents) {
    agents_.push_back(agent.id);
    allocator_->addSlave(agent.id, agent.info, capabilities_, None(), agent.total, agent.used);
  }
}

void Cluster::removeAgents()
{
  for (const mesos::SlaveID& agent : agents_) allocator_->removeSlave(agent);
  agents_.clear();
}

std::vector<NewFramework> Cluster::makeFrameworks(int count, const std::function<std::string(int)>& role) const
{
  std::vector<NewFramework> made;
  for (int number = frameworks(); number < frameworks() + count; ++number) {
    const auto framework = id<mesos::FrameworkID>("framework-" + std::to_string(number));
    made.push_back({framework, frameworkInfo(number, role(number))});
  }
  return made;
}

void Cluster::add(const std::vector<NewFramework>& frameworks)
{
  for (const NewFramework& framework : frameworks) {
    frameworks_.push_back(framework.id);
    allocator_->addFramework(framework.id, framework.info, {}, true, mesos::allocator::FrameworkOptions());
  }
}

void Cluster::removeFrameworks()
{
  for (const mesos::FrameworkID& framework : frameworks_) allocator_->removeFramework(framework);
  frameworks_.clear();
}

void Cluster::giveBack(double refuseSeconds)
{
  Option<mesos::Filters> filters = None();
  if (refuseSeconds > 0) filters = parse<mesos::Filters>(real(1, refuseSeconds));
  // What comes while the calls are made is kept for the next time.
  std::vector<Offer> offers;
  offers.swap(sink_.kept());
  for (const Offer& offer : offers) {
    allocator_->recoverResources(framework(offer.framework), agent(offer.agent), offer.resources, filters, false);
  }
}

void Cluster::recoverAll(double refuseSeconds)
{
  giveBack(refuseSeconds);
  settle();
}

void Cluster::setQuota(const std::string& role, const std::string& guarantees, const std::string& limits)
{
  mesos::Quota quota;
  quota.guarantees = quantities(guarantees);
  if (!limits.empty()) quota.limits = mesos::ResourceLimits::fromString(limits).get();
  allocator_->updateQuota(role, quota);
}

} // namespace bench {
