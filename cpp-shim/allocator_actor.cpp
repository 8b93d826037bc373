#include "allocator_actor.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace apportion {
namespace {

/**
 * The name of the built-in allocator's actor, so that the debug endpoint has the same path. Unique in the process: a
 * second actor of the same name would not start.
 */
std::string actorId()
{
  static std::atomic<int> made{0};
  const int number = ++made;
  return number == 1 ? "allocator" : "allocator(" + std::to_string(number) + ")";
}

/** The slot of a table that grows as the library asks. */
template <typename T>
T& slot(std::deque<T>& table, uint32_t index)
{
  if (index >= table.size()) table.resize(static_cast<size_t>(index) + 1);
  return table[index];
}

/** Keeps names as ids of the host. */
template <typename Id>
void keepIds(std::deque<Id>& table, const apportion_name* names, size_t size)
{
  for (size_t i = 0; i < size; ++i) slot(table, names[i].slot).set_value(text(names[i].name));
}

bool same(const apportion_bytes& left, const apportion_bytes& right)
{
  return left.size == right.size && (left.size == 0 || std::memcmp(left.data, right.data, left.size) == 0);
}

} // namespace {

void endProcess(const std::string& text)
{
  APPORTION_LOG(google::GLOG_FATAL, "apportion: the allocator stops: " + text);
  std::abort();
}

AllocatorActor::AllocatorActor(const apportion_entries& entries, apportion_handle* handle)
  : process::ProcessBase(actorId()),
    library_(entries, APPORTION_ALLOCATOR, handle),
    metrics_(std::make_shared<Questions>(
        self(),
        [this](const std::vector<uint32_t>& slots, std::vector<double>& numbers) { return readMetrics(slots, numbers); }))
{
  apply(
      "allocator.publish_metrics",
      [](const apportion_entries& e, apportion_handle* h, int64_t now, apportion_effects* out) {
        return e.allocator_publish_metrics(h, now, out);
      });
}

void AllocatorActor::deliverTo(
    const OfferCallback& offers, const InverseOfferCallback& inverseOffers, const Duration& interval)
{
  offerCallback_ = offers;
  inverseOfferCallback_ = inverseOffers;
  interval_ = interval;
}

void AllocatorActor::serveDebugEndpoint(
    const Option<std::string>& realm, const Option<mesos::Authorizer*>& authorizer)
{
  auto endpoint = std::make_shared<DebugEndpoint>(
      self(),
      authorizer,
      [this]() { return constraints_.frameworks(); },
      [this](const Option<std::vector<std::string>>& frameworks, std::string& json) {
        return debugJson(frameworks, json);
      });
  route(
      "/offer_constraints_debug",
      realm.isSome() ? realm.get() : std::string(),
      DebugEndpoint::help(),
      [endpoint](const process::http::Request&, const Option<process::http::authentication::Principal>& principal) {
        return endpoint->answer(principal);
      });
}

std::string AllocatorActor::readMetrics(const std::vector<uint32_t>& slots, std::vector<double>& numbers)
{
  Buffer problem(library_.entries);
  const apportion_status status = library_.entries.allocator_read_metrics(
      library_.handle, mailbox_->waiting(), slots.data(), slots.size(), numbers.data(), problem.out());
  return status == APPORTION_DONE ? std::string() : problem.text();
}

std::string AllocatorActor::debugJson(const Option<std::vector<std::string>>& frameworks, std::string& json)
{
  const bool given = frameworks.isSome();
  const ByteList ids = given ? listOf(frameworks.get()) : ByteList();
  const ListView views(ids);
  const apportion_bytes_list list = views.get();
  Buffer out(library_.entries);
  const apportion_status status =
      library_.entries.allocator_offer_constraints_debug(library_.handle, given ? &list : nullptr, out.out());
  if (status != APPORTION_DONE) return out.text();
  json = out.text();
  return "";
}

void AllocatorActor::report(const char* entry, const std::string& refused) noexcept
{
  if (!refused.empty()) APPORTION_LOG(google::GLOG_ERROR, std::string("apportion: ") + entry + ": " + refused);
}

void AllocatorActor::startTicking()
{
  const process::UPID address = self();
  const std::shared_ptr<Mailbox> mailbox = mailbox_;
  timer_ = process::Clock::timer(
      interval_, [address, mailbox, this]() { enqueue(address, *mailbox, [this]() { tick(); }); });
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
  enqueue([this]() { cycle(); });
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
  keepNames(effects);
  keepItems(effects);
  keepBundles(effects);
  sendOffers(effects);
  sendInverseOffers(effects);
  metrics_.follow(effects);
  if (effects.cycle_requested != 0) requestCycle();
}

void AllocatorActor::keepNames(const apportion_effects& effects)
{
  keepIds(frameworks_, effects.frameworks, effects.frameworks_size);
  for (size_t i = 0; i < effects.roles_size; ++i) slot(roles_, effects.roles[i].slot) = text(effects.roles[i].name);
  keepIds(agents_, effects.agents, effects.agents_size);
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

void AllocatorActor::fetchAhead(const apportion_offer* offer, const apportion_offer* end)
{
  // Far enough ahead that each has arrived when the next one is found through it.
  const std::ptrdiff_t left = end - offer;
  if (left > 12) __builtin_prefetch(&slot(agents_, offer[12].agent));
  if (left > 8) __builtin_prefetch(&slot(agents_, offer[8].agent).value());
  if (left > 4) __builtin_prefetch(slot(agents_, offer[4].agent).value().data());
}

void AllocatorActor::sendOffers(const apportion_effects& effects)
{
  const apportion_offer* const end = effects.offers + effects.offers_size;
  const apportion_offer* offer = effects.offers;
  while (offer != end) {
    const uint32_t framework = offer->framework;
    hashmap<std::string, hashmap<mesos::SlaveID, mesos::Resources>> offers;
    while (offer != end && offer->framework == framework) {
      const uint32_t role = offer->role;
      const apportion_offer* next = offer;
      while (next != end && next->framework == framework && next->role == role) ++next;
      hashmap<mesos::SlaveID, mesos::Resources>& agents = offers[slot(roles_, role)];
      agents.reserve(static_cast<size_t>(next - offer));
      for (; offer != next; ++offer) {
        fetchAhead(offer, end);
        agents.emplace(slot(agents_, offer->agent), slot(bundles_, offer->bundle));
      }
    }
    offerCallback_(slot(frameworks_, framework), offers);
  }
}

void AllocatorActor::sendInverseOffers(const apportion_effects& effects)
{
  const apportion_inverse_offer* const end = effects.inverse_offers + effects.inverse_offers_size;
  const apportion_inverse_offer* offer = effects.inverse_offers;
  while (offer != end) {
    const apportion_bytes framework = offer->framework;
    hashmap<mesos::SlaveID, mesos::UnavailableResources> agents;
    for (; offer != end && same(offer->framework, framework); ++offer) {
      mesos::SlaveID agent;
      agent.set_value(text(offer->agent));
      // No resources mean everything on the agent.
      mesos::UnavailableResources unavailable;
      const apportion_bytes& window = offer->unavailability;
      if (!unavailable.unavailability.ParsePartialFromArray(window.data, static_cast<int>(window.size))) {
        endProcess("the host cannot read an unavailability that it gave us");
      }
      agents.emplace(std::move(agent), std::move(unavailable));
    }
    mesos::FrameworkID id;
    id.set_value(text(framework));
    inverseOfferCallback_(id, agents);
  }
}

} // namespace apportion {
