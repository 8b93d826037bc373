#include "allocator_actor.hpp"

#include <atomic>
#include <cstdlib>

#include <process/dispatch.hpp>

namespace apportion {
namespace {

/** Unique in the process: a second actor of the same name would not start. */
std::string actorId()
{
  static std::atomic<int> made{0};
  return "apportion-allocator(" + std::to_string(++made) + ")";
}

/** The slot of a table that grows as the library asks. */
mesos::Resources& slot(std::vector<mesos::Resources>& table, uint32_t index)
{
  if (index >= table.size()) table.resize(index + 1);
  return table[index];
}

bool same(const apportion_bytes& left, const apportion_bytes& right)
{
  return left.size == right.size && (left.data == right.data || text(left) == text(right));
}

} // namespace {

void endProcess(const std::string& text)
{
  APPORTION_LOG(google::GLOG_FATAL, "apportion: the allocator stops: " + text);
  std::abort();
}

AllocatorActor::AllocatorActor(const apportion_entries& entries, apportion_handle* handle)
  : process::ProcessBase(actorId()), library_(entries, APPORTION_ALLOCATOR, handle)
{}

void AllocatorActor::deliverTo(
    const OfferCallback& offers, const InverseOfferCallback& inverseOffers, const Duration& interval)
{
  offerCallback_ = offers;
  inverseOfferCallback_ = inverseOffers;
  interval_ = interval;
}

void AllocatorActor::startTicking()
{
  const process::UPID address = self();
  timer_ = process::Clock::timer(interval_, [address, this]() { process::dispatch(address, [this]() { tick(); }); });
}

void AllocatorActor::finalize()
{
  if (timer_.isSome()) process::Clock::cancel(timer_.get());
}

void AllocatorActor::tick()
{
  apply("allocator.tick", [](const apportion_entries& e, apportion_handle* h, int64_t now, apportion_effects* out) {
    return e.allocator_tick(h, now, out);
  });
  if (cycleQueued_) {
    tickWaitsForCycle_ = true;
  } else {
    startTicking();
  }
}

void AllocatorActor::requestCycle()
{
  if (cycleQueued_) return;
  cycleQueued_ = true;
  process::dispatch(self(), [this]() { cycle(); });
}

void AllocatorActor::cycle()
{
  cycleQueued_ = false;
  apply("allocator.cycle", [](const apportion_entries& e, apportion_handle* h, int64_t now, apportion_effects* out) {
    return e.allocator_cycle(h, now, out);
  });
  if (tickWaitsForCycle_) {
    tickWaitsForCycle_ = false;
    startTicking();
  }
}

void AllocatorActor::perform(const apportion_effects& effects)
{
  keepItems(effects);
  keepBundles(effects);
  sendOffers(effects);
  if (effects.cycle_requested != 0) requestCycle();
}

void AllocatorActor::keepItems(const apportion_effects& effects)
{
  for (size_t i = 0; i < effects.items_size; ++i) {
    const apportion_item& item = effects.items[i];
    mesos::Resource resource;
    if (!resource.ParsePartialFromArray(item.resource.data, static_cast<int>(item.resource.size))) {
      endProcess("the host cannot read a resource that it gave us");
    }
    mesos::Resources& kept = slot(items_, item.slot);
    kept = mesos::Resources(resource);
    // The host drops what it holds for invalid; an offer without it would not be what the books say.
    if (kept.size() != 1) endProcess("the host refuses the resource " + resource.ShortDebugString());
  }
}

void AllocatorActor::keepBundles(const apportion_effects& effects)
{
  for (size_t i = 0; i < effects.bundles_size; ++i) {
    const apportion_bundle& bundle = effects.bundles[i];
    mesos::Resources& kept = slot(bundles_, bundle.slot);
    kept = mesos::Resources();
    for (size_t j = 0; j < bundle.items_size; ++j) kept += slot(items_, bundle.items[j]);
  }
}

void AllocatorActor::sendOffers(const apportion_effects& effects)
{
  const apportion_offer* const end = effects.offers + effects.offers_size;
  const apportion_offer* offer = effects.offers;
  while (offer != end) {
    const apportion_bytes framework = offer->framework;
    hashmap<std::string, hashmap<mesos::SlaveID, mesos::Resources>> offers;
    while (offer != end && same(offer->framework, framework)) {
      const apportion_bytes role = offer->role;
      hashmap<mesos::SlaveID, mesos::Resources>& agents = offers[text(role)];
      for (; offer != end && same(offer->framework, framework) && same(offer->role, role); ++offer) {
        mesos::SlaveID agent;
        agent.set_value(text(offer->agent));
        agents.emplace(std::move(agent), slot(bundles_, offer->bundle));
      }
    }
    mesos::FrameworkID id;
    id.set_value(text(framework));
    offerCallback_(id, offers);
  }
}

} // namespace apportion {
