// The Allocator module: each call of the master becomes bytes on the master's thread and an event in our actor.
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <mesos/allocator/allocator.hpp>
#include <process/dispatch.hpp>

#include "allocator_actor.hpp"

namespace apportion {
namespace {

using mesos::allocator::InverseOfferStatus;

typedef apportion_entries Entries;
typedef apportion_handle* Handle;
typedef apportion_effects* Effects;

/** Keeps optional bytes and lends them as the pointer that the border wants. */
class OptionalBytes
{
public:
  template <typename Message>
  explicit OptionalBytes(const Option<Message>& message) : some_(message.isSome())
  {
    if (some_) bytes_ = serialize(message.get());
  }

  const apportion_bytes* get() const
  {
    view_ = view(bytes_);
    return some_ ? &view_ : nullptr;
  }

private:
  bool some_;
  std::string bytes_;
  mutable apportion_bytes view_ = {nullptr, 0};
};

/** The master's options as plain data. */
class OptionsView
{
public:
  explicit OptionsView(const mesos::allocator::Options& options) : domain_(options.domain)
  {
    options_.allocation_interval_ns = options.allocationInterval.ns();
    options_.recovery_timeout_ns = options.recoveryTimeout.ns();
    options_.agent_recovery_factor = options.agentRecoveryFactor;
    options_.completed_frameworks_max = options.maxCompletedFrameworks;
    options_.filter_gpu_resources = options.filterGpuResources ? 1 : 0;
    options_.publish_per_framework_metrics = options.publishPerFrameworkMetrics ? 1 : 0;
    if (options.fairnessExcludeResourceNames.isSome()) {
      excluded_ = listOf(options.fairnessExcludeResourceNames.get());
    }
    minimumGiven_ = options.minAllocatableResources.isSome();
    if (minimumGiven_) {
      for (const mesos::ResourceQuantities& quantities : options.minAllocatableResources.get()) {
        minimum_.emplace_back(quantities);
      }
    }
  }

  apportion_status initialize(const Entries& e, Handle h, int64_t now, Effects out)
  {
    const ListView excluded(excluded_);
    std::vector<QuantitiesView> views(minimum_.begin(), minimum_.end());
    std::vector<apportion_quantities> minimum;
    for (const QuantitiesView& view : views) minimum.push_back(view.get());
    // An empty list is not the same as none.
    const apportion_quantities nothing = {nullptr, 0};
    options_.fairness_excluded_resources = excluded.get();
    options_.minimum_allocatable = !minimumGiven_ ? nullptr : minimum.empty() ? &nothing : minimum.data();
    options_.minimum_allocatable_size = minimum.size();
    options_.domain = domain_.get();
    return e.allocator_initialize(h, now, &options_, out);
  }

private:
  apportion_options options_ = {};
  ByteList excluded_;
  std::vector<QuantityList> minimum_;
  bool minimumGiven_ = false;
  OptionalBytes domain_;
};

/** The quotas of several roles. */
class QuotaList
{
public:
  void add(const std::string& role, const mesos::Quota& quota)
  {
    entries_.push_back({role, QuantityList(quota.guarantees), QuantityList(quota.limits)});
  }

  template <typename Use>
  apportion_status lend(Use&& use) const
  {
    std::vector<QuantitiesView> views;
    std::vector<apportion_quota> quotas;
    views.reserve(entries_.size() * 2);
    for (const Entry& entry : entries_) {
      views.emplace_back(entry.guarantees);
      const apportion_quantities guarantees = views.back().get();
      views.emplace_back(entry.limits);
      quotas.push_back({view(entry.role), guarantees, views.back().get()});
    }
    return use(apportion_quotas{quotas.data(), quotas.size()});
  }

private:
  struct Entry
  {
    std::string role;
    QuantityList guarantees;
    QuantityList limits;
  };

  std::vector<Entry> entries_;
};

/** What a map of ids to resources holds. */
template <typename Id>
HoldingList holdings(const hashmap<Id, mesos::Resources>& map)
{
  HoldingList list;
  for (const auto& entry : map) list.add(entry.first.value(), entry.second);
  return list;
}

/** Conversions as bytes. */
class ConversionList
{
public:
  explicit ConversionList(const std::vector<mesos::ResourceConversion>& conversions)
  {
    for (const mesos::ResourceConversion& conversion : conversions) {
      entries_.emplace_back(serialize(conversion.consumed), serialize(conversion.converted));
    }
  }

  template <typename Use>
  apportion_status lend(Use&& use) const
  {
    std::vector<ListView> views;
    std::vector<apportion_conversion> conversions;
    views.reserve(entries_.size() * 2);
    for (const auto& entry : entries_) {
      views.emplace_back(entry.first);
      const apportion_bytes_list consumed = views.back().get();
      views.emplace_back(entry.second);
      conversions.push_back({consumed, views.back().get()});
    }
    return use(apportion_conversions{conversions.data(), conversions.size()});
  }

private:
  std::vector<std::pair<ByteList, ByteList>> entries_;
};

/** The answers to inverse offers as the map that the master wants. */
hashmap<mesos::SlaveID, hashmap<mesos::FrameworkID, InverseOfferStatus>> statusMap(const apportion_effects& effects)
{
  hashmap<mesos::SlaveID, hashmap<mesos::FrameworkID, InverseOfferStatus>> statuses;
  for (size_t i = 0; i < effects.inverse_statuses_size; ++i) {
    const apportion_inverse_status& entry = effects.inverse_statuses[i];
    mesos::SlaveID agent;
    agent.set_value(text(entry.agent));
    auto& frameworks = statuses[agent];
    if (entry.framework.size == 0) continue;
    mesos::FrameworkID framework;
    framework.set_value(text(entry.framework));
    InverseOfferStatus status;
    if (status.ParsePartialFromArray(entry.status.data, static_cast<int>(entry.status.size))) {
      frameworks.emplace(std::move(framework), std::move(status));
    }
  }
  return statuses;
}

class AllocatorShim : public mesos::allocator::Allocator
{
public:
  AllocatorShim(const Entries& entries, Handle handle) : actor_(new AllocatorActor(entries, handle)) {}

  ~AllocatorShim() override
  {
    if (!started_) return;
    process::terminate(actor_->self());
    process::wait(actor_->self());
  }

  void initialize(
      const mesos::allocator::Options& options,
      const AllocatorActor::OfferCallback& offerCallback,
      const AllocatorActor::InverseOfferCallback& inverseOfferCallback) override
  {
    guarded(
        "allocator.initialize",
        [&]() {
          actor_->deliverTo(offerCallback, inverseOfferCallback, options.allocationInterval);
          process::spawn(actor_.get());
          started_ = true;
          auto given = std::make_shared<OptionsView>(options);
          run([actor = actor_.get(), given]() {
            const char* entry = "allocator.initialize";
            report(entry, actor->apply(entry, [&](const Entries& e, Handle h, int64_t now, Effects out) {
              return given->initialize(e, h, now, out);
            }));
            actor->startTicking();
          });
        },
        [](const std::string& text) { endProcess(text); });
  }

  void recover(const int expectedAgentCount, const hashmap<std::string, mesos::Quota>& quotas) override
  {
    QuotaList list;
    for (const auto& quota : quotas) list.add(quota.first, quota.second);
    post("allocator.recover", [expectedAgentCount, list](const Entries& e, Handle h, int64_t now, Effects out) {
      return list.lend([&](apportion_quotas all) { return e.allocator_recover(h, now, expectedAgentCount, all, out); });
    });
  }

  void addFramework(
      const mesos::FrameworkID& frameworkId,
      const mesos::FrameworkInfo& frameworkInfo,
      const hashmap<mesos::SlaveID, mesos::Resources>& used,
      bool active,
      mesos::allocator::FrameworkOptions&& options) override
  {
    post(
        "allocator.add_framework",
        [id = frameworkId.value(), info = serialize(frameworkInfo), used = holdings(used), active,
         suppressed = listOf(options.suppressedRoles)](const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_add_framework(
              h, now, view(id), view(info), HoldingsView(used).get(), active ? 1 : 0, ListView(suppressed).get(), out);
        });
  }

  void removeFramework(const mesos::FrameworkID& frameworkId) override
  {
    postId("allocator.remove_framework", frameworkId.value(), &Entries::allocator_remove_framework);
  }

  void activateFramework(const mesos::FrameworkID& frameworkId) override
  {
    postId("allocator.activate_framework", frameworkId.value(), &Entries::allocator_activate_framework);
  }

  void deactivateFramework(const mesos::FrameworkID& frameworkId) override
  {
    postId("allocator.deactivate_framework", frameworkId.value(), &Entries::allocator_deactivate_framework);
  }

  void updateFramework(
      const mesos::FrameworkID& frameworkId,
      const mesos::FrameworkInfo& frameworkInfo,
      mesos::allocator::FrameworkOptions&& options) override
  {
    post(
        "allocator.update_framework",
        [id = frameworkId.value(), info = serialize(frameworkInfo), suppressed = listOf(options.suppressedRoles)](
            const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_update_framework(h, now, view(id), view(info), ListView(suppressed).get(), out);
        });
  }

  void addSlave(
      const mesos::SlaveID& slaveId,
      const mesos::SlaveInfo& slaveInfo,
      const std::vector<mesos::SlaveInfo_Capability>& capabilities,
      const Option<mesos::Unavailability>& unavailability,
      const mesos::Resources& total,
      const hashmap<mesos::FrameworkID, mesos::Resources>& used) override
  {
    post(
        "allocator.add_slave",
        [id = slaveId.value(), info = serialize(slaveInfo), capabilities = serializeAll(capabilities),
         unavailability = OptionalBytes(unavailability), total = serialize(total), used = holdings(used)](
            const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_add_slave(
              h, now, view(id), view(info), ListView(capabilities).get(), unavailability.get(),
              ListView(total).get(), HoldingsView(used).get(), out);
        });
  }

  void removeSlave(const mesos::SlaveID& slaveId) override
  {
    postId("allocator.remove_slave", slaveId.value(), &Entries::allocator_remove_slave);
  }

  void updateSlave(
      const mesos::SlaveID& slaveId,
      const mesos::SlaveInfo& slaveInfo,
      const Option<mesos::Resources>& total,
      const Option<std::vector<mesos::SlaveInfo_Capability>>& capabilities) override
  {
    const bool hasTotal = total.isSome(), hasCapabilities = capabilities.isSome();
    post(
        "allocator.update_slave",
        [id = slaveId.value(), info = serialize(slaveInfo), hasTotal,
         total = hasTotal ? serialize(total.get()) : ByteList(), hasCapabilities,
         capabilities = hasCapabilities ? serializeAll(capabilities.get()) : ByteList()](
            const Entries& e, Handle h, int64_t now, Effects out) {
          const ListView totalView(total), capabilitiesView(capabilities);
          const apportion_bytes_list totalList = totalView.get(), capabilityList = capabilitiesView.get();
          return e.allocator_update_slave(
              h, now, view(id), view(info), hasTotal ? &totalList : nullptr,
              hasCapabilities ? &capabilityList : nullptr, out);
        });
  }

  void addResourceProvider(
      const mesos::SlaveID& slaveId,
      const mesos::Resources& total,
      const hashmap<mesos::FrameworkID, mesos::Resources>& used) override
  {
    post(
        "allocator.add_resource_provider",
        [id = slaveId.value(), total = serialize(total), used = holdings(used)](
            const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_add_resource_provider(
              h, now, view(id), ListView(total).get(), HoldingsView(used).get(), out);
        });
  }

  void activateSlave(const mesos::SlaveID& slaveId) override
  {
    postId("allocator.activate_slave", slaveId.value(), &Entries::allocator_activate_slave);
  }

  void deactivateSlave(const mesos::SlaveID& slaveId) override
  {
    postId("allocator.deactivate_slave", slaveId.value(), &Entries::allocator_deactivate_slave);
  }

  void updateWhitelist(const Option<hashset<std::string>>& whitelist) override
  {
    const bool given = whitelist.isSome();
    post(
        "allocator.update_whitelist",
        [given, hostnames = given ? listOf(whitelist.get()) : ByteList()](
            const Entries& e, Handle h, int64_t now, Effects out) {
          const ListView names(hostnames);
          const apportion_bytes_list list = names.get();
          return e.allocator_update_whitelist(h, now, given ? &list : nullptr, out);
        });
  }

  void requestResources(const mesos::FrameworkID& frameworkId, const std::vector<mesos::Request>& requests) override
  {
    post(
        "allocator.request_resources",
        [id = frameworkId.value(), requests = serializeAll(requests)](
            const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_request_resources(h, now, view(id), ListView(requests).get(), out);
        });
  }

  void updateAllocation(
      const mesos::FrameworkID& frameworkId,
      const mesos::SlaveID& slaveId,
      const mesos::Resources& offeredResources,
      const std::vector<mesos::ResourceConversion>& conversions) override
  {
    const std::string invalid = validate(offeredResources, conversions);
    if (!invalid.empty()) endProcess("allocator.update_allocation: " + invalid);
    post(
        "allocator.update_allocation",
        [framework = frameworkId.value(), agent = slaveId.value(), offered = serialize(offeredResources),
         list = ConversionList(conversions)](const Entries& e, Handle h, int64_t now, Effects out) {
          return list.lend([&](apportion_conversions all) {
            return e.allocator_update_allocation(
                h, now, view(framework), view(agent), ListView(offered).get(), all, out);
          });
        });
  }

  process::Future<Nothing> updateAvailable(
      const mesos::SlaveID& slaveId, const std::vector<mesos::Offer_Operation>& operations) override
  {
    auto promise = std::make_shared<process::Promise<Nothing>>();
    run([actor = actor_.get(), promise, id = slaveId.value(), operations = serializeAll(operations)]() {
      const std::string refused =
          actor->apply("allocator.update_available", [&](const Entries& e, Handle h, int64_t now, Effects out) {
            return e.allocator_update_available(h, now, view(id), ListView(operations).get(), out);
          });
      if (refused.empty()) {
        promise->set(Nothing());
      } else {
        promise->fail(refused);
      }
    });
    return promise->future();
  }

  void updateUnavailability(const mesos::SlaveID& slaveId, const Option<mesos::Unavailability>& unavailability) override
  {
    post(
        "allocator.update_unavailability",
        [id = slaveId.value(), unavailability = OptionalBytes(unavailability)](
            const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_update_unavailability(h, now, view(id), unavailability.get(), out);
        });
  }

  void updateInverseOffer(
      const mesos::SlaveID& slaveId,
      const mesos::FrameworkID& frameworkId,
      const Option<mesos::UnavailableResources>&,
      const Option<InverseOfferStatus>& status,
      const Option<mesos::Filters>& filters) override
  {
    post(
        "allocator.update_inverse_offer",
        [agent = slaveId.value(), framework = frameworkId.value(), status = OptionalBytes(status),
         filters = OptionalBytes(filters)](const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_update_inverse_offer(
              h, now, view(agent), view(framework), status.get(), filters.get(), out);
        });
  }

  process::Future<hashmap<mesos::SlaveID, hashmap<mesos::FrameworkID, InverseOfferStatus>>> getInverseOfferStatuses()
      override
  {
    typedef hashmap<mesos::SlaveID, hashmap<mesos::FrameworkID, InverseOfferStatus>> Statuses;
    auto promise = std::make_shared<process::Promise<Statuses>>();
    run([actor = actor_.get(), promise]() {
      Statuses statuses;
      const std::string refused = actor->apply(
          "allocator.get_inverse_offer_statuses",
          [&](const apportion_effects& effects) { statuses = statusMap(effects); },
          [](const Entries& e, Handle h, int64_t now, Effects out) {
            return e.allocator_get_inverse_offer_statuses(h, now, out);
          });
      if (refused.empty()) {
        promise->set(statuses);
      } else {
        promise->fail(refused);
      }
    });
    return promise->future();
  }

  void transitionOfferedToAllocated(const mesos::SlaveID& slaveId, const mesos::Resources& resources) override
  {
    post(
        "allocator.transition_offered_to_allocated",
        [id = slaveId.value(), resources = serialize(resources)](const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_transition_offered_to_allocated(h, now, view(id), ListView(resources).get(), out);
        });
  }

  void recoverResources(
      const mesos::FrameworkID& frameworkId,
      const mesos::SlaveID& slaveId,
      const mesos::Resources& resources,
      const Option<mesos::Filters>& filters,
      bool isAllocated) override
  {
    post(
        "allocator.recover_resources",
        [framework = frameworkId.value(), agent = slaveId.value(), resources = serialize(resources),
         filters = OptionalBytes(filters), isAllocated](const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_recover_resources(
              h, now, view(framework), view(agent), ListView(resources).get(), filters.get(), isAllocated ? 1 : 0, out);
        });
  }

  void suppressOffers(const mesos::FrameworkID& frameworkId, const std::set<std::string>& roles) override
  {
    post(
        "allocator.suppress_offers",
        [id = frameworkId.value(), roles = listOf(roles)](const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_suppress_offers(h, now, view(id), ListView(roles).get(), out);
        });
  }

  void reviveOffers(const mesos::FrameworkID& frameworkId, const std::set<std::string>& roles) override
  {
    post(
        "allocator.revive_offers",
        [id = frameworkId.value(), roles = listOf(roles)](const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_revive_offers(h, now, view(id), ListView(roles).get(), out);
        });
  }

  void updateQuota(const std::string& role, const mesos::Quota& quota) override
  {
    QuotaList list;
    list.add(role, quota);
    post("allocator.update_quota", [list](const Entries& e, Handle h, int64_t now, Effects out) {
      return list.lend([&](apportion_quotas one) { return e.allocator_update_quota(h, now, one.data, out); });
    });
  }

  void updateWeights(const std::vector<mesos::WeightInfo>& weightInfos) override
  {
    post(
        "allocator.update_weights",
        [weights = serializeAll(weightInfos)](const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_update_weights(h, now, ListView(weights).get(), out);
        });
  }

  void pause() override
  {
    post("allocator.pause", [](const Entries& e, Handle h, int64_t now, Effects out) {
      return e.allocator_pause(h, now, out);
    });
  }

  void resume() override
  {
    post("allocator.resume", [](const Entries& e, Handle h, int64_t now, Effects out) {
      return e.allocator_resume(h, now, out);
    });
  }

private:
  static void report(const char* entry, const std::string& refused)
  {
    if (!refused.empty()) APPORTION_LOG(google::GLOG_ERROR, std::string("apportion: ") + entry + ": " + refused);
  }

  /** Whether the conversions apply to what was offered, their own checks included. Empty when they do. */
  static std::string validate(
      const mesos::Resources& offered, const std::vector<mesos::ResourceConversion>& conversions)
  {
    // Without a check of its own a conversion is left to the library, which knows what does not fit.
    bool checked = false;
    for (const mesos::ResourceConversion& conversion : conversions) checked |= conversion.postValidation.isSome();
    if (!checked) return "";
    mesos::Resources resources = offered;
    for (const mesos::ResourceConversion& conversion : conversions) {
      const Try<mesos::Resources> converted = resources.apply(conversion);
      if (converted.isError()) return converted.error();
      resources = converted.get();
    }
    return "";
  }

  /** Runs `f` in the actor, behind what its mailbox holds. */
  template <typename F>
  void run(F&& f) noexcept
  {
    const auto refuse = [](const std::string& text) { endProcess(text); };
    guarded(
        "allocator",
        [&]() {
          process::dispatch(actor_->self(), [f = std::forward<F>(f), refuse]() mutable {
            guarded("allocator", std::move(f), refuse);
          });
        },
        refuse);
  }

  /** Queues an event; what the library refuses is one line in the log. */
  template <typename Event>
  void post(const char* entry, Event&& event) noexcept
  {
    run([actor = actor_.get(), entry, event = std::forward<Event>(event)]() {
      report(entry, actor->apply(entry, event));
    });
  }

  /** Queues an event that carries one id. */
  void postId(
      const char* entry,
      const std::string& id,
      apportion_status (*Entries::*function)(Handle, int64_t, apportion_bytes, Effects)) noexcept
  {
    post(entry, [id, function](const Entries& e, Handle h, int64_t now, Effects out) {
      return (e.*function)(h, now, view(id), out);
    });
  }

  std::unique_ptr<AllocatorActor> actor_;
  bool started_ = false;
};

} // namespace {
} // namespace apportion {

extern "C" void* apportion_make_allocator(const void* parameters, const apportion_entries* entries)
{
  mesos::allocator::Allocator* allocator =
      apportion::make<apportion::AllocatorShim>(APPORTION_ALLOCATOR, "org_apportion_Allocator", parameters, entries);
  return allocator;
}
