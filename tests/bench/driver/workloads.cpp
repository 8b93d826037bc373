// Workloads about cycles, and about frameworks and agents that come.
#include "bench.hpp"

namespace bench {
namespace {

/** A year: longer than any run. */
const double LONG = 365.0 * 24 * 3600;

/** What the host alone needs for maps of the offers that were kept, with their resources copied into them. */
void floorOf(Cluster& cluster, const Sizes& sizes)
{
  for (int round = 0; round < 3; ++round) {
    std::vector<OfferMap> maps(static_cast<size_t>(sizes.frameworks));
    const Watch::time_point begun = Watch::now();
    for (const Offer& offer : cluster.sink().kept()) {
      maps[static_cast<size_t>(offer.framework)][sizes.role(offer.framework)][cluster.agent(offer.agent)] =
          offer.resources;
    }
    tellValue("floor", ms(Watch::now() - begun));
  }
}

void addFrameworks(Cluster& cluster, const Sizes& sizes, const std::function<std::string(int)>& role)
{
  tellStep("adding frameworks");
  cluster.addFrameworks(sizes.frameworks, role);
  cluster.settle();
}

void addAgents(Cluster& cluster, const Sizes& sizes, const std::function<mesos::Resources(int)>& total)
{
  tellStep("adding agents");
  cluster.addAgents(sizes.agents, total);
  cluster.settle();
}

/** Cycles in which everything is free, and cycles in which nothing is. */
void measureCycles(Cluster& cluster, const Sizes& sizes)
{
  for (int round = 0; round <= sizes.rounds; ++round) {
    tellStep("giving back");
    cluster.recoverAll();
    tellStep("full cycle");
    const Round full = cluster.batch();
    tellStep("idle cycles");
    // More than one: the first after a full cycle finds nothing in the processor's caches.
    std::vector<Round> idle;
    for (int i = 0; i < 7; ++i) idle.push_back(cluster.batch());
    std::vector<Round> nothing;
    for (int i = 0; i < 3; ++i) nothing.push_back(cluster.nothing());
    if (round == 0) continue; // to warm up
    tellRound("full", full, full.offers_ms);
    for (const Round& one : idle) tellRound("idle", one, one.quiet_ms);
    for (const Round& one : nothing) tellRound("nothing", one, one.quiet_ms);
  }
}

} // namespace {

mesos::Resources plainAgent()
{
  return mesos::Resources::parse("cpus:24;mem:65536;disk:409600;ports:[31000-32000]").get();
}

void populate(Cluster& cluster, const Sizes& sizes)
{
  addFrameworks(cluster, sizes, [&](int number) { return sizes.role(number); });
  addAgents(cluster, sizes, [](int) { return plainAgent(); });
}

void cycles(Cluster& cluster, const Sizes& sizes)
{
  populate(cluster, sizes);
  measureCycles(cluster, sizes);
  floorOf(cluster, sizes);
}

/** Every second agent is reserved to one role, whole. */
void reservedCycles(Cluster& cluster, const Sizes& sizes)
{
  const auto total = [&](int number) {
    if (number % 2 == 0) return plainAgent();
    const std::string reserved = reservedFor(sizes.role(number));
    mesos::Resources all;
    for (const auto& one : {resource("cpus", 24), resource("mem", 65536), resource("disk", 409600), range(31000, 32000)}) {
      all += parse<mesos::Resource>(one + reserved);
    }
    return all;
  };
  addFrameworks(cluster, sizes, [&](int number) { return sizes.role(number); });
  addAgents(cluster, sizes, total);
  measureCycles(cluster, sizes);
}

/** Roles of two levels, ten below each. */
void nestedCycles(Cluster& cluster, const Sizes& sizes)
{
  const auto role = [&](int number) {
    const int leaf = number % sizes.roles;
    return "department-" + std::to_string(leaf / 10) + "/team-" + std::to_string(leaf % 10);
  };
  addFrameworks(cluster, sizes, role);
  addAgents(cluster, sizes, [](int) { return plainAgent(); });
  measureCycles(cluster, sizes);
}

/** Every second role is guaranteed its part of half the cluster, in whole agents. */
void quotaCycles(Cluster& cluster, const Sizes& sizes)
{
  const int each = sizes.agents / sizes.roles / 2;
  for (int role = 0; role < sizes.roles; role += 2) {
    cluster.setQuota(
        roleName(role), "cpus:" + std::to_string(24 * each) + ";mem:" + std::to_string(65536 * each) +
                            ";disk:" + std::to_string(409600 * each));
  }
  populate(cluster, sizes);
  measureCycles(cluster, sizes);
}

/** Weights from one to five. */
void weightedCycles(Cluster& cluster, const Sizes& sizes)
{
  std::vector<mesos::WeightInfo> weights;
  for (int role = 0; role < sizes.roles; ++role) {
    weights.push_back(parse<mesos::WeightInfo>(real(1, 1 + role % 5) + field(2, roleName(role))));
  }
  cluster.allocator().updateWeights(weights);
  populate(cluster, sizes);
  measureCycles(cluster, sizes);
}

/**
 * Every framework has declined every agent for long. The first cycle after a framework has revived and declined all
 * again is told apart from those in which nothing is new.
 */
void filtered(Cluster& cluster, const Sizes& sizes)
{
  populate(cluster, sizes);
  double before = 0;
  const long all = static_cast<long>(sizes.agents) * sizes.frameworks;
  for (long declined = 0; declined < all;) {
    const long now = static_cast<long>(cluster.sink().kept().size());
    if (now == 0) fail("offers end after " + std::to_string(declined) + " of " + std::to_string(all));
    cluster.recoverAll(LONG);
    if (declined == 0) before = memory().heap;
    declined += now;
    tellStep("declining, " + std::to_string(100 * declined / all) + " %");
    if (declined < all) cluster.batch();
  }
  const double filters = static_cast<double>(all - sizes.agents);
  if (filters > 0) tellValue("filter-bytes", (memory().heap - before) / filters);
  for (int round = 0; round <= sizes.rounds; ++round) {
    tellStep("cycles");
    const Round first = cluster.batch();
    if (round > 0) tellRound("first", first, first.quiet_ms);
    for (int i = 0; i < 3; ++i) {
      const Round cycle = cluster.batch();
      if (round > 0) tellRound("filtered", cycle, cycle.quiet_ms);
    }
    tellStep("revive");
    const mesos::FrameworkID& framework = cluster.framework(round % sizes.frameworks);
    const Round revived = cluster.measure([&] { cluster.allocator().reviveOffers(framework, {}); });
    if (round > 0) tellRound("revive-one", revived, revived.offers_ms);
    cluster.recoverAll(LONG);
  }
}

/** Frameworks join a cluster of free agents, all at once. */
void join(Cluster& cluster, const Sizes& sizes)
{
  addAgents(cluster, sizes, [](int) { return plainAgent(); });
  for (int round = 0; round <= sizes.rounds; ++round) {
    const auto frameworks =
        cluster.makeFrameworks(sizes.frameworks, [&](int number) { return sizes.role(number); });
    tellStep("joining");
    const Round joined = cluster.measure([&] { cluster.add(frameworks); });
    // With one round only, there is none to warm up.
    if (round > 0 || sizes.rounds == 1) tellRound("join", joined, joined.quiet_ms);
    if (sizes.rounds == 1) return;
    tellStep("leaving");
    cluster.recoverAll();
    cluster.removeFrameworks();
    cluster.settle();
  }
}

/** All frameworks, suppressed before, revive at once in a cluster of free agents. */
void reviveStorm(Cluster& cluster, const Sizes& sizes)
{
  populate(cluster, sizes);
  for (int round = 0; round <= sizes.rounds; ++round) {
    tellStep("suppressing");
    for (int i = 0; i < sizes.frameworks; ++i) cluster.allocator().suppressOffers(cluster.framework(i), {});
    cluster.recoverAll();
    tellStep("reviving");
    const Round storm = cluster.measure([&] {
      for (int i = 0; i < sizes.frameworks; ++i) cluster.allocator().reviveOffers(cluster.framework(i), {});
    });
    if (round > 0) tellRound("storm", storm, storm.quiet_ms);
  }
}

/** Agents register, all at once, and are offered. */
void registration(Cluster& cluster, const Sizes& sizes)
{
  addFrameworks(cluster, sizes, [&](int number) { return sizes.role(number); });
  for (int round = 0; round <= sizes.rounds; ++round) {
    const auto agents = cluster.makeAgents(sizes.agents, [](int) { return plainAgent(); });
    tellStep("registering");
    const Round registered = cluster.measure([&] { cluster.add(agents); });
    if (round > 0 || sizes.rounds == 1) tellRound("registration", registered, registered.offers_ms);
    if (sizes.rounds == 1) return;
    tellStep("removing");
    cluster.recoverAll();
    cluster.removeAgents();
    cluster.settle();
  }
}

/** What the allocator holds with everything offered; the driver keeps nothing but ids. */
void memoryInUse(Cluster& cluster, const Sizes& sizes)
{
  const Memory before = memory();
  cluster.sink().keep(false);
  populate(cluster, sizes);
  cluster.batch();
  const Memory after = memory();
  tellValue("heap", (after.heap - before.heap) / 1e6);
  tellValue("resident", (after.resident - before.resident) / 1e6);
  tellValue("peak", (after.peak - before.resident) / 1e6);
}

} // namespace bench {
