// How long calls keep the master's thread while the allocator's actor works beside it.
#include <algorithm>
#include <cmath>

#include "bench.hpp"

namespace bench {
namespace {

/** Times of calls in nanoseconds, by the name of the method. */
class Times
{
public:
  template <typename Call>
  void of(const std::string& method, Call&& call)
  {
    std::vector<double>& list = byMethod_[method];
    const Watch::time_point begun = Watch::now();
    call();
    list.push_back(std::chrono::duration<double, std::micro>(Watch::now() - begun).count());
  }

  /** Each method's, and all together as `latency`. */
  void tellAll()
  {
    std::vector<double> all;
    for (auto& one : byMethod_) {
      all.insert(all.end(), one.second.begin(), one.second.end());
      tellOne("latency-" + one.first, one.second);
    }
    tellOne("latency", all);
  }

private:
  /** How many buckets of the histogram one power of ten has. */
  static constexpr int BUCKETS = 10;

  static double quantile(const std::vector<double>& sorted, double part)
  {
    const auto place = static_cast<size_t>(std::ceil(part * static_cast<double>(sorted.size())));
    return sorted[std::min(sorted.size() - 1, place == 0 ? 0 : place - 1)];
  }

  static void tellOne(const std::string& series, std::vector<double>& times)
  {
    std::sort(times.begin(), times.end());
    tellValue(series + "-p50", quantile(times, 0.5));
    tellValue(series + "-p99", quantile(times, 0.99));
    tellValue(series + "-p99.9", quantile(times, 0.999));
    tellValue(series + "-max", times.back());
    std::map<int, long> counts;
    for (const double time : times) ++counts[static_cast<int>(std::floor(BUCKETS * std::log10(std::max(time, 0.01))))];
    std::string buckets;
    for (const auto& one : counts) {
      const double begin = std::pow(10, static_cast<double>(one.first) / BUCKETS);
      buckets += (buckets.empty() ? "" : ",") + ("[" + std::to_string(begin) + "," + std::to_string(one.second) + "]");
    }
    tell(R"({"histogram":")" + series + R"(","buckets":[)" + buckets + "]}");
  }

  std::map<std::string, std::vector<double>> byMethod_;
};

} // namespace {

/**
 * Everything is offered. Every offer is used and comes back, every tenth after a reservation; meanwhile agents register
 * and frameworks revive, so that the actor has calls and cycles to do all the time.
 */
void latency(Cluster& cluster, const Sizes& sizes)
{
  populate(cluster, sizes);
  cluster.batch();
  const std::vector<Offer> offers = std::move(cluster.sink().kept());
  cluster.sink().kept().clear();
  cluster.sink().keep(false);
  const int newcomers = sizes.agents / 20;
  const std::vector<NewAgent> more = cluster.makeAgents(newcomers, [](int) { return plainAgent(); });
  Allocator& allocator = cluster.allocator();
  tellStep("calling");
  Times times;
  times.of("reviveOffers", [&] { allocator.reviveOffers(cluster.framework(0), {}); });
  for (size_t i = 0; i < offers.size(); ++i) {
    const mesos::FrameworkID& framework = cluster.framework(offers[i].framework);
    const mesos::SlaveID& agent = cluster.agent(offers[i].agent);
    mesos::Resources resources = offers[i].resources;
    if (i % 10 == 0) {
      const std::string role = sizes.role(offers[i].framework);
      const mesos::Resources plain = parse<mesos::Resource>(resource("cpus", 1, role));
      const mesos::Resources reserved = parse<mesos::Resource>(resource("cpus", 1, role) + reservedFor(role));
      const std::vector<mesos::ResourceConversion> conversions{{plain, reserved, None()}};
      times.of("updateAllocation", [&] { allocator.updateAllocation(framework, agent, resources, conversions); });
      resources = resources.apply(conversions[0]).get();
    }
    times.of("transitionOfferedToAllocated", [&] { allocator.transitionOfferedToAllocated(agent, resources); });
    times.of("recoverResources", [&] { allocator.recoverResources(framework, agent, resources, None(), true); });
    if (i % 20 == 1 && i / 20 < more.size()) {
      const NewAgent& one = more[i / 20];
      times.of("addSlave", [&] {
        allocator.addSlave(one.id, one.info, cluster.capabilities(), None(), one.total, one.used);
      });
    }
    if (i % 500 == 2) times.of("reviveOffers", [&] { allocator.reviveOffers(framework, {}); });
  }
  times.tellAll();
}

} // namespace bench {
