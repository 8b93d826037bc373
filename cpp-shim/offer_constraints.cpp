#include "offer_constraints.hpp"

#include <cstring>

#include "guard.hpp"

namespace apportion {
namespace {

using mesos::allocator::OfferConstraintsFilter;

// A filter is one pointer to its implementation, null after it was moved from; the implementation is one map by role.
static_assert(sizeof(OfferConstraintsFilter) == sizeof(void*), "a filter is one pointer");

/** Where a map of libstdc++ counts its elements: behind the bucket table's address and size and the list's head. */
const size_t MAP_SIZE_AT = 3 * sizeof(void*);

/** The implementation of a filter; null when it was moved from. */
const char* implementation(const OfferConstraintsFilter& filter)
{
  const char* pointer = nullptr;
  std::memcpy(&pointer, &filter, sizeof pointer);
  return pointer;
}

/** How many roles a filter has constraints for; see `canTell` for when this is to be trusted. */
size_t constrainedRoles(const OfferConstraintsFilter& filter)
{
  size_t count = 0;
  std::memcpy(&count, implementation(filter) + MAP_SIZE_AT, sizeof count);
  return count;
}

/** A field of a message in wire format: number, length, content; both below 128. */
std::string field(int number, const std::string& content)
{
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(content.size()) + content;
}

/** Constraints that want an attribute of some name, for so many roles. */
mesos::scheduler::OfferConstraints constraints(size_t roles)
{
  const std::string selector = field(1, field(2, "an attribute")), exists = field(2, field(1, ""));
  const std::string role = field(1, field(1, selector + exists));
  std::string bytes;
  for (size_t i = 0; i < roles; ++i) bytes += field(1, field(1, "role-" + std::to_string(i)) + field(2, role));
  mesos::scheduler::OfferConstraints made;
  made.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return made;
}

/**
 * Whether `constrainedRoles` reads what it should: nothing of the filter's inside is part of the host's interface, so
 * it is compared with filters whose number of roles is known.
 */
bool canTell()
{
  const mesos::SlaveInfo agent;
  const OfferConstraintsFilter none;
  if (implementation(none) == nullptr || constrainedRoles(none) != 0) return false;
  for (const size_t roles : {1, 2, 30}) {
    OfferConstraintsFilter::Options options;
    options.re2Limits.maxMem = Bytes(1 << 16);
    options.re2Limits.maxProgramSize = 100;
    const Try<OfferConstraintsFilter> made = OfferConstraintsFilter::create(options, constraints(roles));
    if (made.isError() || implementation(made.get()) == nullptr) return false;
    if (constrainedRoles(made.get()) != roles || !made.get().isAgentExcluded("role-0", agent)) return false;
  }
  return !none.isAgentExcluded("role-0", agent);
}

/** The roles in a FrameworkInfo. Which of the two fields counts is for the library to know. */
std::vector<std::string> rolesOf(const mesos::FrameworkInfo& info)
{
  std::vector<std::string> roles{info.role()};
  for (int i = 0; i < info.roles().size(); ++i) roles.push_back(info.roles().Get(i));
  return roles;
}

/** An agent's description out of the bytes that the host made of it; what it cannot read of them is missing. */
mesos::SlaveInfo described(const std::string& bytes)
{
  mesos::SlaveInfo info;
  info.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return info;
}

} // namespace {

FrameworkTerms::FrameworkTerms(const mesos::FrameworkInfo& description, mesos::allocator::FrameworkOptions&& options)
  : roles(rolesOf(description)), info(serialize(description)), filter(std::move(options.offerConstraintsFilter))
{}

OfferConstraints::OfferConstraints() : canTell_(canTell())
{
  if (!canTell_) {
    APPORTION_LOG(
        google::GLOG_WARNING,
        "apportion: offer constraints are evaluated for every framework, with or without any: this host keeps them in "
        "another way than the one the module was made for");
  }
}

bool OfferConstraints::constrains(const OfferConstraintsFilter& filter) const
{
  return implementation(filter) != nullptr && (!canTell_ || constrainedRoles(filter) != 0);
}

ExcludedAgents OfferConstraints::keepFramework(const std::string& id, FrameworkTerms&& terms)
{
  forgetFramework(id);
  const FrameworkTerms& kept = frameworks_.emplace(id, std::move(terms)).first->second;
  ExcludedAgents excluded;
  if (!constrains(kept.filter)) return excluded;
  constrained_.insert(id);
  std::vector<ByteList> agents(kept.roles.size());
  for (const auto& agent : agents_) {
    const mesos::SlaveInfo info = described(agent.second);
    for (size_t i = 0; i < agents.size(); ++i) {
      if (kept.filter.isAgentExcluded(kept.roles[i], info)) agents[i].add(agent.first);
    }
  }
  for (size_t i = 0; i < agents.size(); ++i) {
    if (agents[i].size() > 0) excluded.add(kept.roles[i], std::move(agents[i]));
  }
  return excluded;
}

void OfferConstraints::forgetFramework(const std::string& id)
{
  frameworks_.erase(id);
  constrained_.erase(id);
}

ExcludedFrom OfferConstraints::keepAgent(const std::string& id, const std::string& info)
{
  agents_[id] = info;
  ExcludedFrom excluded;
  if (constrained_.empty()) return excluded;
  const mesos::SlaveInfo kept = described(info);
  for (const std::string& framework : constrained_) {
    const FrameworkTerms& terms = frameworks_.at(framework);
    for (const std::string& role : terms.roles) {
      if (terms.filter.isAgentExcluded(role, kept)) excluded.add(framework, role);
    }
  }
  return excluded;
}

void OfferConstraints::forgetAgent(const std::string& id)
{
  agents_.erase(id);
}

std::vector<std::pair<std::string, std::string>> OfferConstraints::frameworks() const
{
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& framework : frameworks_) all.emplace_back(framework.first, framework.second.info);
  return all;
}

} // namespace apportion {
