// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../../README.md.
#ifndef APPORTION_ABI_MESOS_ALLOCATOR_ALLOCATOR_HPP
#define APPORTION_ABI_MESOS_ALLOCATOR_ALLOCATOR_HPP

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <mesos/maintenance/maintenance.hpp>
#include <mesos/mesos.hpp>
#include <mesos/quota/quota.hpp>
#include <mesos/resources.hpp>
#include <process/future.hpp>
#include <stout/bytes.hpp>
#include <stout/duration.hpp>
#include <stout/hashmap.hpp>
#include <stout/hashset.hpp>
#include <stout/option.hpp>
#include <stout/try.hpp>

namespace mesos {

class Authorizer;

namespace allocator {

/** What the master's flags ask of its allocator. */
struct Options
{
  Duration allocationInterval;
  Option<std::set<std::string>> fairnessExcludeResourceNames;
  bool filterGpuResources;
  Option<DomainInfo> domain;
  Option<std::vector<ResourceQuantities>> minAllocatableResources;
  size_t maxCompletedFrameworks;
  bool publishPerFrameworkMetrics;
  Option<std::string> readonlyHttpAuthenticationRealm;
  Option<Authorizer*> authorizer;
  Duration recoveryTimeout;
  double agentRecoveryFactor;
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
static_assert(sizeof(Options) == 232, "size of the options");
static_assert(offsetof(Options, fairnessExcludeResourceNames) == 8, "exclusions");
static_assert(offsetof(Options, domain) == 72 && offsetof(Options, minAllocatableResources) == 112, "domain, minimum");
static_assert(offsetof(Options, maxCompletedFrameworks) == 144, "completed frameworks");
static_assert(offsetof(Options, recoveryTimeout) == 216 && offsetof(Options, agentRecoveryFactor) == 224, "recovery");
#pragma GCC diagnostic pop

/** Which agents a framework's offer constraints exclude: one owning pointer, move-only. */
class OfferConstraintsFilter
{
public:
  /** What regular expressions may cost. */
  struct Options
  {
    struct RE2Limits
    {
      Bytes maxMem;
      int maxProgramSize;
    };

    RE2Limits re2Limits;
  };

  static Try<OfferConstraintsFilter> create(const Options& options, scheduler::OfferConstraints&& constraints);

  /** Excludes nothing. */
  OfferConstraintsFilter();
  OfferConstraintsFilter(OfferConstraintsFilter&& that);
  ~OfferConstraintsFilter();

  /** Ends the process when the filter has been moved from. */
  bool isAgentExcluded(const std::string& role, const SlaveInfo& agent) const;

private:
  void* implementation_;
};

/** What comes with a framework beside its description. */
struct FrameworkOptions
{
  std::set<std::string> suppressedRoles;
  OfferConstraintsFilter offerConstraintsFilter;
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
static_assert(sizeof(OfferConstraintsFilter) == 8 && sizeof(OfferConstraintsFilter::Options) == 16, "filter");
static_assert(sizeof(Try<OfferConstraintsFilter>) == 56, "optional filter, optional error");
static_assert(sizeof(FrameworkOptions) == 56 && offsetof(FrameworkOptions, offerConstraintsFilter) == 48, "options");
#pragma GCC diagnostic pop

/** Who gets offers of what: called by the master one call at a time. 28 methods behind the two destructor slots. */
class Allocator
{
public:
  Allocator() = default;
  virtual ~Allocator() = default;

  virtual void initialize(
      const Options& options,
      const std::function<void(const FrameworkID&, const hashmap<std::string, hashmap<SlaveID, Resources>>&)>&
          offerCallback,
      const std::function<void(const FrameworkID&, const hashmap<SlaveID, UnavailableResources>&)>&
          inverseOfferCallback) = 0;
  virtual void recover(const int expectedAgentCount, const hashmap<std::string, Quota>& quotas) = 0;
  virtual void addFramework(
      const FrameworkID& frameworkId,
      const FrameworkInfo& frameworkInfo,
      const hashmap<SlaveID, Resources>& used,
      bool active,
      FrameworkOptions&& options) = 0;
  virtual void removeFramework(const FrameworkID& frameworkId) = 0;
  virtual void activateFramework(const FrameworkID& frameworkId) = 0;
  virtual void deactivateFramework(const FrameworkID& frameworkId) = 0;
  virtual void updateFramework(
      const FrameworkID& frameworkId, const FrameworkInfo& frameworkInfo, FrameworkOptions&& options) = 0;
  virtual void addSlave(
      const SlaveID& slaveId,
      const SlaveInfo& slaveInfo,
      const std::vector<SlaveInfo_Capability>& capabilities,
      const Option<Unavailability>& unavailability,
      const Resources& total,
      const hashmap<FrameworkID, Resources>& used) = 0;
  virtual void removeSlave(const SlaveID& slaveId) = 0;
  virtual void updateSlave(
      const SlaveID& slaveId,
      const SlaveInfo& slaveInfo,
      const Option<Resources>& total = None(),
      const Option<std::vector<SlaveInfo_Capability>>& capabilities = None()) = 0;
  virtual void addResourceProvider(
      const SlaveID& slaveId, const Resources& total, const hashmap<FrameworkID, Resources>& used) = 0;
  virtual void activateSlave(const SlaveID& slaveId) = 0;
  virtual void deactivateSlave(const SlaveID& slaveId) = 0;
  virtual void updateWhitelist(const Option<hashset<std::string>>& whitelist) = 0;
  virtual void requestResources(const FrameworkID& frameworkId, const std::vector<Request>& requests) = 0;
  virtual void updateAllocation(
      const FrameworkID& frameworkId,
      const SlaveID& slaveId,
      const Resources& offeredResources,
      const std::vector<ResourceConversion>& conversions) = 0;
  virtual process::Future<Nothing> updateAvailable(
      const SlaveID& slaveId, const std::vector<Offer_Operation>& operations) = 0;
  virtual void updateUnavailability(const SlaveID& slaveId, const Option<Unavailability>& unavailability) = 0;
  virtual void updateInverseOffer(
      const SlaveID& slaveId,
      const FrameworkID& frameworkId,
      const Option<UnavailableResources>& unavailableResources,
      const Option<InverseOfferStatus>& status,
      const Option<Filters>& filters = None()) = 0;
  virtual process::Future<hashmap<SlaveID, hashmap<FrameworkID, InverseOfferStatus>>> getInverseOfferStatuses() = 0;
  virtual void transitionOfferedToAllocated(const SlaveID& slaveId, const Resources& resources) = 0;
  virtual void recoverResources(
      const FrameworkID& frameworkId,
      const SlaveID& slaveId,
      const Resources& resources,
      const Option<Filters>& filters,
      bool isAllocated) = 0;
  virtual void suppressOffers(const FrameworkID& frameworkId, const std::set<std::string>& roles) = 0;
  virtual void reviveOffers(const FrameworkID& frameworkId, const std::set<std::string>& roles) = 0;
  virtual void updateQuota(const std::string& role, const Quota& quota) = 0;
  virtual void updateWeights(const std::vector<WeightInfo>& weightInfos) = 0;
  virtual void pause() = 0;
  virtual void resume() = 0;
};

// The maps that cross in both directions: their nodes must cache the hash code.
template <typename Key, typename Value>
using Node = std::__detail::_Hash_node<std::pair<const Key, Value>, std::__cache_default<Key, std::hash<Key>>::value>;

static_assert(sizeof(hashmap<SlaveID, Resources>) == 56, "std::unordered_map of libstdc++");
static_assert(sizeof(Node<SlaveID, Resources>) == 312, "resources by agent");
static_assert(sizeof(Node<FrameworkID, Resources>) == 312, "resources by framework");
static_assert(sizeof(Node<std::string, hashmap<SlaveID, Resources>>) == 104, "agents by role");
static_assert(sizeof(Node<std::string, Quota>) == 992, "quota by role");
static_assert(sizeof(Node<SlaveID, UnavailableResources>) == 352, "inverse offers by agent");
static_assert(sizeof(Node<SlaveID, hashmap<FrameworkID, InverseOfferStatus>>) == 104, "statuses by agent");
static_assert(sizeof(Node<FrameworkID, InverseOfferStatus>) == 96, "status by framework");
static_assert(sizeof(Option<Unavailability>) == 48 && sizeof(Option<Filters>) == 40, "optional messages");
static_assert(sizeof(Option<Resources>) == 272 && sizeof(Option<DomainInfo>) == 40, "optional values");
static_assert(sizeof(Option<InverseOfferStatus>) == 56, "optional status");
static_assert(sizeof(Option<UnavailableResources>) == 312, "optional unavailable resources");
static_assert(sizeof(Option<hashset<std::string>>) == 64, "optional whitelist");

} // namespace allocator {
} // namespace mesos {

#endif
