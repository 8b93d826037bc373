// The Allocator module: each call of the master becomes bytes on the master's thread and an event in our actor.
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <mesos/allocator/allocator.hpp>
#include <process/dispatch.hpp>

#include "allocator_actor.hpp"
#include "allocator_views.hpp"
#include "commit_ledger.hpp"
#include "lending_endpoint.hpp"

namespace apportion {
namespace {

using mesos::allocator::InverseOfferStatus;

typedef apportion_entries Entries;
typedef apportion_handle* Handle;
typedef apportion_effects* Effects;
typedef apportion_buffer* Answer;

class AllocatorShim : public mesos::allocator::Allocator
{
public:
  AllocatorShim(const Entries& entries, Handle handle)
    : actor_(new AllocatorActor(entries, handle)), commits_(entries, handle)
  {
    // From now on: metrics are answered before the master has initialized its allocator.
    process::spawn(actor_.get());
    if (commits_.isKept()) page_ = lendingEndpoint(actor_->self(), actor_->library());
  }

  ~AllocatorShim() override
  {
    page_.reset();
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
          auto given = std::make_shared<OptionsView>(options);
          run([actor = actor_.get(), given, offerCallback, inverseOfferCallback, interval = options.allocationInterval,
               realm = options.readonlyHttpAuthenticationRealm, authorizer = options.authorizer]() {
            actor->deliverTo(offerCallback, inverseOfferCallback, interval);
            actor->serveDebugEndpoint(realm, authorizer);
            const char* entry = "allocator.initialize";
            actor->report(entry, actor->apply(entry, [&](const Entries& e, Handle h, int64_t now, Effects out) {
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
        [actor = actor_.get(), id = frameworkId.value(), used = holdings(used), active,
         suppressed = listOf(options.suppressedRoles), terms = FrameworkTerms(frameworkInfo, std::move(options))](
            const Entries& e, Handle h, int64_t now, Effects out) mutable {
          const std::string info = terms.info;
          return actor->constraints().keepFramework(id, std::move(terms)).lend([&](apportion_exclusions excluded) {
            return e.allocator_add_framework(
                h, now, view(id), view(info), HoldingsView(used).get(), active ? 1 : 0, ListView(suppressed).get(),
                excluded, out);
          });
        });
  }

  void removeFramework(const mesos::FrameworkID& frameworkId) override
  {
    commits_.tell("allocator.commit_remove_framework", [&](const Entries& e, Handle h, int64_t, Answer out) {
      return e.allocator_commit_remove_framework(h, view(frameworkId.value()), out);
    });
    post(
        "allocator.remove_framework",
        [actor = actor_.get(), id = frameworkId.value()](const Entries& e, Handle h, int64_t now, Effects out) {
          actor->constraints().forgetFramework(id);
          return e.allocator_remove_framework(h, now, view(id), out);
        });
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
        [actor = actor_.get(), id = frameworkId.value(), suppressed = listOf(options.suppressedRoles),
         terms = FrameworkTerms(frameworkInfo, std::move(options))](
            const Entries& e, Handle h, int64_t now, Effects out) mutable {
          const std::string info = terms.info;
          return actor->constraints().keepFramework(id, std::move(terms)).lend([&](apportion_exclusions excluded) {
            return e.allocator_update_framework(
                h, now, view(id), view(info), ListView(suppressed).get(), excluded, out);
          });
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
    std::string bytes = serialize(slaveInfo);
    auto allUsed = holdings(used);
    commits_.tell("allocator.commit_add_slave", [&](const Entries& e, Handle h, int64_t, Answer out) {
      return e.allocator_commit_add_slave(
          h, view(slaveId.value()), view(bytes), ListView(serialize(total)).get(), HoldingsView(allUsed).get(), out);
    });
    post(
        "allocator.add_slave",
        [actor = actor_.get(), id = slaveId.value(), info = std::move(bytes),
         capabilities = serializeAll(capabilities), unavailability = OptionalBytes(unavailability),
         all = mesos::Resources(total), used = std::move(allUsed)](
            const Entries& e, Handle h, int64_t now, Effects out) mutable {
          const ExcludedFrom excluded = actor->constraints().keepAgent(id, info);
          return excluded.lend([&](apportion_excluded_from_list excludedFrom) {
            return e.allocator_add_slave(
                h, now, view(id), view(info), ListView(capabilities).get(), unavailability.get(),
                ListView(serialize(all)).get(), HoldingsView(used).get(), excludedFrom, out);
          });
        });
  }

  void removeSlave(const mesos::SlaveID& slaveId) override
  {
    commits_.tell("allocator.commit_remove_slave", [&](const Entries& e, Handle h, int64_t, Answer out) {
      return e.allocator_commit_remove_slave(h, view(slaveId.value()), out);
    });
    post(
        "allocator.remove_slave",
        [actor = actor_.get(), id = slaveId.value()](const Entries& e, Handle h, int64_t now, Effects out) {
          actor->constraints().forgetAgent(id);
          return e.allocator_remove_slave(h, now, view(id), out);
        });
  }

  void updateSlave(
      const mesos::SlaveID& slaveId,
      const mesos::SlaveInfo& slaveInfo,
      const Option<mesos::Resources>& total,
      const Option<std::vector<mesos::SlaveInfo_Capability>>& capabilities) override
  {
    const bool hasTotal = total.isSome(), hasCapabilities = capabilities.isSome();
    std::string bytes = serialize(slaveInfo);
    ByteList newTotal = hasTotal ? serialize(total.get()) : ByteList();
    commits_.tell("allocator.commit_update_slave", [&](const Entries& e, Handle h, int64_t now, Answer out) {
      const ListView views(newTotal);
      const apportion_bytes_list list = views.get();
      return e.allocator_commit_update_slave(
          h, now, view(slaveId.value()), view(bytes), hasTotal ? &list : nullptr, out);
    });
    post(
        "allocator.update_slave",
        [actor = actor_.get(), id = slaveId.value(), info = std::move(bytes), hasTotal,
         total = std::move(newTotal), hasCapabilities,
         capabilities = hasCapabilities ? serializeAll(capabilities.get()) : ByteList()](
            const Entries& e, Handle h, int64_t now, Effects out) mutable {
          const ListView totalView(total), capabilitiesView(capabilities);
          const apportion_bytes_list totalList = totalView.get(), capabilityList = capabilitiesView.get();
          const ExcludedFrom excluded = actor->constraints().keepAgent(id, info);
          return excluded.lend([&](apportion_excluded_from_list excludedFrom) {
            return e.allocator_update_slave(
                h, now, view(id), view(info), hasTotal ? &totalList : nullptr,
                hasCapabilities ? &capabilityList : nullptr, excludedFrom, out);
          });
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
        [framework = frameworkId.value(), agent = slaveId.value(), offered = mesos::Resources(offeredResources),
         changes = Changes(conversions)](const Entries& e, Handle h, int64_t now, Effects out) {
          return changes.lend([&](apportion_conversions all) {
            return e.allocator_update_allocation(
                h, now, view(framework), view(agent), ListView(serialize(offered)).get(), all, out);
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
    std::string framework =
        commits_.tell("allocator.commit_transition", [&](const Entries& e, Handle h, int64_t now, Answer out) {
          return e.allocator_commit_transition(
              h, now, view(slaveId.value()), ListView(serialize(resources)).get(), out);
        });
    post(
        "allocator.transition_offered_to_allocated",
        [framework = std::move(framework), id = slaveId.value(), used = mesos::Resources(resources)](
            const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_transition_offered_to_allocated(
              h, now, view(framework), view(id), ListView(serialize(used)).get(), out);
        });
  }

  void recoverResources(
      const mesos::FrameworkID& frameworkId,
      const mesos::SlaveID& slaveId,
      const mesos::Resources& resources,
      const Option<mesos::Filters>& filters,
      bool isAllocated) override
  {
    commits_.tell("allocator.commit_recover", [&](const Entries& e, Handle h, int64_t now, Answer out) {
      return e.allocator_commit_recover(
          h, now, view(frameworkId.value()), view(slaveId.value()), ListView(serialize(resources)).get(),
          isAllocated ? 1 : 0, out);
    });
    post(
        "allocator.recover_resources",
        [framework = frameworkId.value(), agent = slaveId.value(), back = mesos::Resources(resources),
         filters = OptionalBytes(filters), isAllocated](const Entries& e, Handle h, int64_t now, Effects out) {
          return e.allocator_recover_resources(
              h, now, view(framework), view(agent), ListView(serialize(back)).get(), filters.get(),
              isAllocated ? 1 : 0, out);
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

  /** Calls `queue` with the actor; an exception ends the process. */
  template <typename Queue>
  void queued(Queue&& queue) noexcept
  {
    guarded("allocator", [&]() { queue(*actor_); }, [](const std::string& text) { endProcess(text); });
  }

  /** Runs `f` in the actor, behind what its mailbox holds. */
  template <typename F>
  void run(F&& f) noexcept
  {
    queued([&](AllocatorActor& actor) { actor.enqueue(std::forward<F>(f)); });
  }

  /** Queues an event; what the library refuses is one line in the log. */
  template <typename Event>
  void post(const char* entry, Event&& event) noexcept
  {
    queued([&](AllocatorActor& actor) { actor.post(entry, std::forward<Event>(event)); });
  }

  /** Queues an event that carries one id. */
  void postId(
      const char* entry,
      const std::string& id,
      apportion_status (*Entries::*function)(Handle, int64_t, apportion_bytes, Effects)) noexcept
  {
    post(entry, [name = id, function](const Entries& e, Handle h, int64_t now, Effects out) {
      return (e.*function)(h, now, view(name), out);
    });
  }

  std::unique_ptr<AllocatorActor> actor_;
  const CommitLedger commits_;
  // Null where nothing is lent.
  std::unique_ptr<Endpoint> page_;
};

} // namespace {
} // namespace apportion {

extern "C" void* apportion_make_allocator(const void* parameters, const apportion_entries* entries)
{
  mesos::allocator::Allocator* allocator =
      apportion::make<apportion::AllocatorShim>(APPORTION_ALLOCATOR, "org_apportion_Allocator", parameters, entries);
  return allocator;
}
