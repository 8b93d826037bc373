// What the parts of the driver share: the allocator under measurement, its offers, the clock, and what was found.
#ifndef APPORTION_TESTS_BENCH_HPP
#define APPORTION_TESTS_BENCH_HPP

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <mesos/allocator/allocator.hpp>

#include "wire.hpp"

namespace bench {

using mesos::allocator::Allocator;
using namespace wire;

/** Ends the process with a line that says what is wrong. */
[[noreturn]] void fail(const std::string& what);

/** One range of ports. */
inline std::string range(uint64_t begin, uint64_t end)
{
  return field(1, "ports") + number(2, 1) + field(4, field(1, number(1, begin) + number(2, end)));
}

/** A dynamic reservation, to be appended to a resource. */
inline std::string reservedFor(const std::string& role, const std::string& label = "")
{
  std::string reservation = number(4, 2) + field(3, role);
  if (!label.empty()) reservation += field(2, field(1, field(1, "id") + field(2, label)));
  return field(13, reservation);
}

typedef std::chrono::steady_clock Watch;
typedef hashmap<std::string, hashmap<mesos::SlaveID, mesos::Resources>> OfferMap;

/** Milliseconds between two moments. */
inline double ms(Watch::duration time)
{
  return std::chrono::duration<double, std::milli>(time).count();
}

/** What the command line asks for: `key=value` each. */
class Parameters
{
public:
  explicit Parameters(const std::vector<std::string>& arguments);

  /** A number; ends the process when it is not given and there is no default. */
  long number(const std::string& key) const;
  long number(const std::string& key, long otherwise) const;

private:
  std::map<std::string, std::string> values_;
};

/**
 * The allocator that is measured: the host's own, by its exported constructor, or the one of the module at `library`.
 * It lives as long as the process.
 */
Allocator* builtIn();
Allocator* module(const std::string& library, const std::vector<std::pair<std::string, std::string>>& parameters);

/** The class behind an allocator, demangled. */
std::string className(const Allocator& allocator);

/** The host's clock, which stands still from `pause` on and goes only by `advance`. */
void pauseClock();
void advanceClock(Duration duration);

/** One agent's part of an offer. */
struct Offer
{
  int framework;
  int agent;
  mesos::Resources resources;
};

/** Takes the allocator's offers, in its actor's thread. The time that this takes is nobody's, so it is counted. */
class Sink
{
public:
  /** With `false`, offers are counted and dropped: they need no memory then. */
  void keep(bool keeps) { keeps_ = keeps; }

  void take(const mesos::FrameworkID& framework, const OfferMap& offers);

  /** Begins to count anew; the offers kept so far stay. */
  void reset();

  long count() const { return count_; }
  /** When the last offer arrived, as if taking those before it had needed no time. */
  Watch::time_point lastArrival() const { return last_; }
  /** The time that taking needed. */
  Watch::duration spent() const { return spent_; }

  std::vector<Offer>& kept() { return kept_; }

private:
  // The actor's thread writes; the caller's reads when all has settled.
  bool keeps_ = true;
  long count_ = 0;
  Watch::time_point last_;
  Watch::duration spent_{};
  std::vector<Offer> kept_;
};

/** One measured round. */
struct Round
{
  /** Until the last offer arrived. */
  double offers_ms;
  /** Until the actor had nothing to do any more. */
  double quiet_ms;
  /** On the caller's thread. */
  double call_ms;
  long offers;
};

struct NewAgent
{
  mesos::SlaveID id;
  mesos::SlaveInfo info;
  mesos::Resources total;
  hashmap<mesos::FrameworkID, mesos::Resources> used;
};

struct NewFramework
{
  mesos::FrameworkID id;
  mesos::FrameworkInfo info;
};

/** A started allocator with agents and frameworks. */
class Cluster
{
public:
  explicit Cluster(Allocator* allocator);

  /** Until everything asked for before, and the cycles that it led to, is done. */
  void settle();

  /** One cycle of the batch loop. */
  Round batch();

  /** What the bench itself takes for a batch: its clock goes on, and there is nothing to do for the allocator. */
  Round nothing();
  /** What `trigger` leads to. */
  Round measure(const std::function<void()>& trigger);

  /** Makes agents beside those that are there, with the total of each by its number; nothing is called yet. */
  std::vector<NewAgent> makeAgents(int count, const std::function<mesos::Resources(int)>& total) const;
  void add(const std::vector<NewAgent>& agents);
  void addAgents(int count, const std::function<mesos::Resources(int)>& total) { add(makeAgents(count, total)); }
  void removeAgents();

  /** The same for frameworks, with the role of each. */
  std::vector<NewFramework> makeFrameworks(int count, const std::function<std::string(int)>& role) const;
  void add(const std::vector<NewFramework>& frameworks);
  void addFrameworks(int count, const std::function<std::string(int)>& role) { add(makeFrameworks(count, role)); }
  void removeFrameworks();

  /** Gives all offers that were kept back, and forgets them; with seconds above zero they are refused for so long. */
  void giveBack(double refuseSeconds = 0);
  /** The same, and waits until it is done. */
  void recoverAll(double refuseSeconds = 0);

  /** Without `limits` there are none. */
  void setQuota(const std::string& role, const std::string& guarantees, const std::string& limits = "");

  Allocator& allocator() { return *allocator_; }
  Sink& sink() { return sink_; }
  const mesos::FrameworkID& framework(int number) const { return frameworks_.at(static_cast<size_t>(number)); }
  const mesos::SlaveID& agent(int number) const { return agents_.at(static_cast<size_t>(number)); }
  int agents() const { return static_cast<int>(agents_.size()); }
  int frameworks() const { return static_cast<int>(frameworks_.size()); }
  const std::vector<mesos::SlaveInfo_Capability>& capabilities() const { return capabilities_; }

private:
  /** A round in which the clock goes on by so much. */
  Round pass(Duration time);

  Allocator* allocator_;
  Sink sink_;
  std::vector<mesos::SlaveInfo_Capability> capabilities_;
  std::vector<mesos::SlaveID> agents_;
  std::vector<mesos::FrameworkID> frameworks_;
};

/** Description of a framework in one role. */
mesos::FrameworkInfo frameworkInfo(int number, const std::string& role);
mesos::SlaveInfo agentInfo(int number);
std::string roleName(int number);

/** Reads the `name:number;...` form. */
mesos::ResourceQuantities quantities(const std::string& text);

/** Bytes of the heap in use, and of the process in memory. */
struct Memory
{
  double heap;
  double resident;
  double peak;
};

Memory memory();

/** A line of JSON for the program that started this one. */
void tell(const std::string& json);
void tellRound(const std::string& series, const Round& round, double ms);
void tellValue(const std::string& series, double value);
/** What is being done, for the progress line. */
void tellStep(const std::string& text);

/** How many of what a workload is about. */
struct Sizes
{
  explicit Sizes(const Parameters& parameters);

  std::string role(int framework) const { return roleName(framework % roles); }

  int agents, frameworks, roles, rounds;
};

/** An agent without anything special, made anew each time, as the master does. */
mesos::Resources plainAgent();
/** Adds the frameworks, then the agents, and waits until all is offered. */
void populate(Cluster& cluster, const Sizes& sizes);

typedef void Workload(Cluster&, const Sizes&);

Workload cycles, filtered, join, reviveStorm, registration, memoryInUse;
Workload reservedCycles, nestedCycles, quotaCycles, weightedCycles;
Workload ports, leftovers, operations, reservations, latency;

} // namespace bench {

#endif
