// What the master hands its allocator, taken on its thread and lent to the library in our actor.
#ifndef APPORTION_SHIM_ALLOCATOR_VIEWS_HPP
#define APPORTION_SHIM_ALLOCATOR_VIEWS_HPP

#include <string>
#include <utility>
#include <vector>

#include <mesos/allocator/allocator.hpp>

#include "apportion_abi.h"
#include "views.hpp"

namespace apportion {

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

  apportion_status initialize(const apportion_entries& e, apportion_handle* h, int64_t now, apportion_effects* out)
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

/** What conversions consume and make of it: pointers as long as it is kept, bytes when it is lent. */
class Changes
{
public:
  explicit Changes(const std::vector<mesos::ResourceConversion>& conversions)
  {
    entries_.reserve(conversions.size());
    for (const mesos::ResourceConversion& conversion : conversions) {
      entries_.emplace_back(conversion.consumed, conversion.converted);
    }
  }

  template <typename Use>
  apportion_status lend(Use&& use) const
  {
    std::vector<ByteList> bytes;
    std::vector<ListView> views;
    std::vector<apportion_conversion> changes;
    bytes.reserve(entries_.size() * 2);
    views.reserve(entries_.size() * 2);
    const auto list = [&](const mesos::Resources& resources) {
      bytes.push_back(serialize(resources));
      views.emplace_back(bytes.back());
      return views.back().get();
    };
    for (const auto& entry : entries_) {
      const apportion_bytes_list consumed = list(entry.first);
      changes.push_back({consumed, list(entry.second)});
    }
    return use(apportion_conversions{changes.data(), changes.size()});
  }

private:
  std::vector<std::pair<mesos::Resources, mesos::Resources>> entries_;
};

typedef hashmap<mesos::SlaveID, hashmap<mesos::FrameworkID, mesos::allocator::InverseOfferStatus>> InverseStatuses;

/** The answers to inverse offers as the map that the master wants. */
inline InverseStatuses statusMap(const apportion_effects& effects)
{
  InverseStatuses statuses;
  for (size_t i = 0; i < effects.inverse_statuses_size; ++i) {
    const apportion_inverse_status& entry = effects.inverse_statuses[i];
    mesos::SlaveID agent;
    agent.set_value(text(entry.agent));
    auto& frameworks = statuses[agent];
    if (entry.framework.size == 0) continue;
    mesos::FrameworkID framework;
    framework.set_value(text(entry.framework));
    mesos::allocator::InverseOfferStatus status;
    if (status.ParsePartialFromArray(entry.status.data, static_cast<int>(entry.status.size))) {
      frameworks.emplace(std::move(framework), std::move(status));
    }
  }
  return statuses;
}

} // namespace apportion {

#endif
