// Workloads about resources: ranges, quota limits, reservations and volumes.
#include <algorithm>

#include "bench.hpp"

namespace bench {
namespace {

/** 100 ranges of ports. */
mesos::Resources agentWithRanges()
{
  std::string ranges;
  for (int i = 0; i < 100; ++i) {
    const int begin = 31000 + 10 * i;
    ranges += (i == 0 ? "" : ",") + std::to_string(begin) + "-" + std::to_string(begin + 4);
  }
  return mesos::Resources::parse("cpus:24;mem:65536;disk:409600;ports:[" + ranges + "]").get();
}

/** An operator's operation on one resource: its type, and the number of its message. */
mesos::Offer_Operation operation(uint64_t type, int message, const std::string& resource)
{
  return parse<mesos::Offer_Operation>(number(1, type) + field(message, field(1, resource)));
}

/** Persistence and volume of a disk. */
std::string volume(int number)
{
  const std::string persistence = field(1, "volume-" + std::to_string(number));
  return field(7, field(1, persistence) + field(2, field(1, "data") + wire::number(3, 1)));
}

} // namespace {

/** All agents have many ranges of ports, and come back. */
void ports(Cluster& cluster, const Sizes& sizes)
{
  tellStep("adding frameworks");
  cluster.addFrameworks(sizes.frameworks, [&](int number) { return sizes.role(number); });
  cluster.settle();
  tellStep("adding agents");
  cluster.addAgents(sizes.agents, [](int) { return agentWithRanges(); });
  cluster.settle();
  for (int round = 0; round <= sizes.rounds; ++round) {
    tellStep("recovering");
    const long offers = static_cast<long>(cluster.sink().kept().size());
    Round recovered = cluster.measure([&] { cluster.giveBack(); });
    recovered.offers = offers;
    tellStep("full cycle");
    const Round full = cluster.batch();
    if (round == 0) continue;
    tellRound("recovered", recovered, recovered.quiet_ms);
    tellRound("full", full, full.offers_ms);
  }
}

/**
 * Every role has one framework and a quota that is guarantee and limit at once: half an agent for every second role,
 * one and a half agents for the others, in cpus and memory, and no disk. So all cpus are offered, and a rest of disk
 * stays on every agent that nobody may have.
 */
void leftovers(Cluster& cluster, const Sizes& sizes)
{
  const Memory before = memory();
  for (int role = 0; role < sizes.roles; ++role) {
    const std::string quota = role % 2 == 0 ? "cpus:1;mem:1024" : "cpus:3;mem:3072";
    cluster.setQuota(roleName(role), quota, quota + ";disk:0");
  }
  tellStep("adding agents");
  cluster.addAgents(sizes.agents, [](int) { return mesos::Resources::parse("cpus:2;mem:2048;disk:4096").get(); });
  cluster.settle();
  // Held back, so that adding is measured without cycles.
  cluster.allocator().pause();
  const auto frameworks = cluster.makeFrameworks(sizes.frameworks, [&](int number) { return sizes.role(number); });
  tellStep("adding frameworks");
  const Round added = cluster.measure([&] { cluster.add(frameworks); });
  tellRound("added", added, added.quiet_ms);
  cluster.allocator().resume();
  tellStep("first cycle");
  const Round first = cluster.batch();
  tellRound("first", first, first.offers_ms);
  tellValue("resident", (memory().resident - before.resident) / 1e6);
  for (int round = 0; round < sizes.rounds; ++round) {
    tellStep("cycle over what is left");
    const Round cycle = cluster.batch();
    tellRound("leftovers", cycle, cycle.quiet_ms);
  }
}

/** An operator reserves disk on free agents and makes volumes of it, one call for each. */
void operations(Cluster& cluster, const Sizes& sizes)
{
  populate(cluster, sizes);
  cluster.recoverAll();
  const int count = std::min(1000, sizes.agents);
  typedef std::vector<mesos::Offer_Operation> Calls;
  Calls forth, back;
  for (int i = 0; i < count; ++i) {
    const std::string disk = resource("disk", 1024) + reservedFor(sizes.role(i));
    forth.push_back(operation(2, 3, disk));
    back.push_back(operation(5, 6, disk + volume(i)));
  }
  for (int i = 0; i < count; ++i) {
    const std::string disk = resource("disk", 1024) + reservedFor(sizes.role(i));
    forth.push_back(operation(4, 5, disk + volume(i)));
    back.push_back(operation(3, 4, disk));
  }
  std::vector<process::Future<Nothing>> answers;
  const auto call = [&](const Calls& calls) {
    answers.clear();
    for (int i = 0; i < 2 * count; ++i) {
      answers.push_back(cluster.allocator().updateAvailable(cluster.agent(i % count), {calls[static_cast<size_t>(i)]}));
    }
  };
  const auto check = [&] {
    for (const auto& answer : answers) {
      if (!answer.isReady()) fail("an operation is refused: " + (answer.isFailed() ? answer.failure() : "pending"));
    }
  };
  for (int round = 0; round <= sizes.rounds; ++round) {
    tellStep("reserving and creating");
    const Round done = cluster.measure([&] { call(forth); });
    check();
    if (round > 0) tellRound("operations", done, done.quiet_ms);
    tellStep("destroying and unreserving");
    cluster.measure([&] { call(back); });
    check();
  }
}

/**
 * One agent with 6,400 reservations, four held by each of 1,600 frameworks of one role; ten of them reserve a cpu in
 * turns and give it up again.
 */
void reservations(Cluster& cluster, const Sizes& sizes)
{
  const std::string role = roleName(0);
  const int each = 4;
  tellStep("adding frameworks");
  cluster.addFrameworks(sizes.frameworks, [&](int) { return role; });
  cluster.settle();
  tellStep("making the agent");
  const auto reserved = [&](int number, const std::string& allocatedTo) {
    return parse<mesos::Resource>(
        resource("cpus", 1, allocatedTo) + reservedFor(role, "reservation-" + std::to_string(number)));
  };
  const int changing = 10;
  mesos::Resources total = parse<mesos::Resource>(resource("cpus", changing));
  std::vector<NewAgent> agent = cluster.makeAgents(1, [](int) { return mesos::Resources(); });
  for (int framework = 0; framework < sizes.frameworks; ++framework) {
    mesos::Resources held;
    if (framework < changing) held += parse<mesos::Resource>(resource("cpus", 1, role));
    for (int i = 0; i < each; ++i) {
      total += reserved(framework * each + i, "");
      held += reserved(framework * each + i, role);
    }
    agent[0].used[cluster.framework(framework)] = held;
  }
  agent[0].total = total;
  tellStep("adding the agent");
  cluster.add(agent);
  cluster.settle();
  const mesos::Resources plain = parse<mesos::Resource>(resource("cpus", 1, role));
  for (int round = 0; round < sizes.rounds; ++round) {
    tellStep("updating allocations");
    const Round updated = cluster.measure([&] {
      for (int i = 0; i < changing; ++i) {
        const mesos::Resources own = reserved(sizes.frameworks * each + i, role);
        cluster.allocator().updateAllocation(
            cluster.framework(i), cluster.agent(0), plain, {mesos::ResourceConversion{plain, own, None()}});
        cluster.allocator().updateAllocation(
            cluster.framework(i), cluster.agent(0), own, {mesos::ResourceConversion{own, plain, None()}});
      }
    });
    tellRound("updates", updated, updated.quiet_ms);
  }
}

} // namespace bench {
