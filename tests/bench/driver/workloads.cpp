// The workloads.
#include "bench.hpp"

namespace bench {
namespace {

/** A year: longer than any run. */
const double LONG = 365.0 * 24 * 3600;

mesos::Resources shape()
{
  return mesos::Resources::parse("cpus:24;mem:65536;disk:409600;ports:[31000-32000]").get();
}

struct Sizes
{
  explicit Sizes(const Parameters& parameters)
    : agents(static_cast<int>(parameters.number("agents"))),
      frameworks(static_cast<int>(parameters.number("frameworks"))),
      roles(static_cast<int>(parameters.number("roles", frameworks))),
      rounds(static_cast<int>(parameters.number("rounds", 5)))
  {
  }

  std::string role(int framework) const { return roleName(framework % roles); }

  int agents, frameworks, roles, rounds;
};

void populate(Cluster& cluster, const Sizes& sizes)
{
  tellStep("adding frameworks");
  cluster.addFrameworks(sizes.frameworks, [&](int number) { return sizes.role(number); });
  cluster.settle();
  tellStep("adding agents");
  const mesos::Resources total = shape();
  cluster.addAgents(sizes.agents, [&](int) { return total; });
  cluster.settle();
}

/** Cycles in which everything is free, and cycles in which nothing is. */
void cycles(Cluster& cluster, const Sizes& sizes)
{
  populate(cluster, sizes);
  for (int round = 0; round <= sizes.rounds; ++round) {
    tellStep("giving back");
    cluster.recoverAll();
    tellStep("full cycle");
    const Round full = cluster.batch();
    tellStep("idle cycles");
    std::vector<Round> idle;
    for (int i = 0; i < 3; ++i) idle.push_back(cluster.batch());
    if (round == 0) continue; // to warm up
    tellRound("full", full, full.offers_ms);
    for (const Round& one : idle) tellRound("idle", one, one.quiet_ms);
  }
}

/** Every framework has declined every agent for long. */
void filtered(Cluster& cluster, const Sizes& sizes)
{
  populate(cluster, sizes);
  tellStep("declining");
  double before = 0;
  const long all = static_cast<long>(sizes.agents) * sizes.frameworks;
  for (long declined = 0; declined < all;) {
    const long now = static_cast<long>(cluster.sink().kept().size());
    if (now == 0) fail("offers end after " + std::to_string(declined) + " of " + std::to_string(all));
    cluster.recoverAll(LONG);
    if (declined == 0) before = memory().heap;
    declined += now;
    tellStep("declining " + std::to_string(100 * declined / all) + " %");
    if (declined < all) cluster.batch();
  }
  const double filters = static_cast<double>(all - sizes.agents);
  if (filters > 0) tellValue("filter-bytes", (memory().heap - before) / filters);
  for (int round = 0; round <= sizes.rounds; ++round) {
    tellStep("cycle");
    const Round cycle = cluster.batch();
    if (round > 0) tellRound("filtered", cycle, cycle.quiet_ms);
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
  tellStep("adding agents");
  const mesos::Resources total = shape();
  cluster.addAgents(sizes.agents, [&](int) { return total; });
  cluster.settle();
  for (int round = 0; round <= sizes.rounds; ++round) {
    tellStep("joining");
    const Round joined = cluster.measure(
        [&] { cluster.addFrameworks(sizes.frameworks, [&](int number) { return sizes.role(number); }); });
    if (round > 0) tellRound("join", joined, joined.quiet_ms);
    tellStep("leaving");
    cluster.recoverAll();
    cluster.removeFrameworks();
    cluster.settle();
  }
}

} // namespace {

void run(const std::string& workload, Allocator* allocator, const Parameters& parameters)
{
  // Never destroyed: its actor lives as long as the process.
  Cluster& cluster = *new Cluster(allocator);
  const Sizes sizes(parameters);
  static const std::map<std::string, void (*)(Cluster&, const Sizes&)> all = {
      {"cycles", cycles}, {"filtered", filtered}, {"join", join}};
  const auto found = all.find(workload);
  if (found == all.end()) fail("no workload " + workload);
  found->second(cluster, sizes);
}

} // namespace bench {
