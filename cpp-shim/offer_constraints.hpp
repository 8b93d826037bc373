// Offer constraints: the filters stay here, the library gets their answers as plain values.
#ifndef APPORTION_SHIM_OFFER_CONSTRAINTS_HPP
#define APPORTION_SHIM_OFFER_CONSTRAINTS_HPP

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <mesos/allocator/allocator.hpp>

#include "views.hpp"

namespace apportion {

/** By role, the agents excluded from it. */
class ExcludedAgents
{
public:
  void add(const std::string& role, ByteList&& agents) { entries_.emplace_back(role, std::move(agents)); }

  /** Lends all of it to `use` for the duration of the call. */
  template <typename Use>
  apportion_status lend(Use&& use) const
  {
    std::vector<ListView> lists;
    std::vector<apportion_excluded_agents> views;
    lists.reserve(entries_.size());
    for (const auto& entry : entries_) {
      lists.emplace_back(entry.second);
      views.push_back({view(entry.first), lists.back().get()});
    }
    return use(apportion_exclusions{views.data(), views.size()});
  }

private:
  std::vector<std::pair<std::string, ByteList>> entries_;
};

/** Frameworks and roles from which one agent is excluded. */
class ExcludedFrom
{
public:
  void add(const std::string& framework, const std::string& role) { entries_.emplace_back(framework, role); }

  /** Lends all of it to `use` for the duration of the call. */
  template <typename Use>
  apportion_status lend(Use&& use) const
  {
    std::vector<apportion_excluded_from> views;
    for (const auto& entry : entries_) views.push_back({view(entry.first), view(entry.second)});
    return use(apportion_excluded_from_list{views.data(), views.size()});
  }

private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

/** What frameworks come with that only this side of the border understands. */
struct FrameworkTerms
{
  /** Takes the filter out of the options: what the host keeps of it must not be used any more. */
  FrameworkTerms(const mesos::FrameworkInfo& info, mesos::allocator::FrameworkOptions&& options);

  /** Roles the framework may be subscribed to; the library leaves out those that it is not. */
  std::vector<std::string> roles;
  /** The serialised FrameworkInfo: who may look at the framework is decided by it. */
  std::string info;
  mesos::allocator::OfferConstraintsFilter filter;
};

/** Filters of frameworks and descriptions of agents, kept by the actor and used in it alone. */
class OfferConstraints
{
public:
  OfferConstraints();

  /** Replaces what is known of a framework, and evaluates its filter for all agents. */
  ExcludedAgents keepFramework(const std::string& id, FrameworkTerms&& terms);
  void forgetFramework(const std::string& id);

  /** Replaces what is known of an agent, a serialised SlaveInfo, and evaluates all filters for it. */
  ExcludedFrom keepAgent(const std::string& id, const std::string& info);
  void forgetAgent(const std::string& id);

  /** Ids of frameworks with their serialised FrameworkInfo. */
  std::vector<std::pair<std::string, std::string>> frameworks() const;

private:
  bool constrains(const mesos::allocator::OfferConstraintsFilter& filter) const;

  /** Whether a filter that excludes nothing can be told from the others. */
  const bool canTell_;
  std::map<std::string, FrameworkTerms> frameworks_;
  /** Ids of those whose filter may exclude something. */
  std::set<std::string> constrained_;
  /** Serialised SlaveInfo of each agent: a message takes several times as much, and most masters have no constraints. */
  std::map<std::string, std::string> agents_;
};

} // namespace apportion {

#endif
