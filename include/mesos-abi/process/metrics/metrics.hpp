// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../../README.md.
#ifndef APPORTION_ABI_PROCESS_METRICS_METRICS_HPP
#define APPORTION_ABI_PROCESS_METRICS_METRICS_HPP

#include <map>
#include <memory>
#include <string>
#include <utility>

#include <process/dispatch.hpp>
#include <process/future.hpp>
#include <process/metrics/metric.hpp>
#include <process/owned.hpp>
#include <process/process.hpp>

namespace process {
namespace metrics {
namespace internal {

/** The host's actor behind /metrics/snapshot. Never looked into: its functions are all that is wanted. */
class MetricsProcess
{
public:
  Future<Nothing> add(Owned<Metric> metric);
  Future<Nothing> remove(const std::string& name);
  /** All numbers there are by name; for tests. */
  Future<std::map<std::string, double>> snapshot(const Option<Duration>& timeout);
};

/** Its address: set when libprocess starts. In Mesos of a type of its own around the same address. */
extern UPID metrics;

/** Runs `f` in the metrics actor. */
template <typename F>
void inMetricsActor(F&& f)
{
  auto call = [f = std::forward<F>(f)](ProcessBase* process) mutable {
    // The actor derives virtually from its base: where it begins is known at run time only.
    std::move(f)(*static_cast<MetricsProcess*>(dynamic_cast<void*>(process)));
  };
  process::internal::dispatch(
      metrics,
      std::unique_ptr<lambda::CallableOnce<void(ProcessBase*)>>(
          new lambda::CallableOnce<void(ProcessBase*)>(std::move(call))),
      None());
}

} // namespace internal {

/** Publishes a copy of a metric; in vain when its name is taken. In Mesos the result can be waited for. */
template <typename T>
void add(const T& metric)
{
  const Owned<Metric> owned(new T(metric));
  internal::inMetricsActor([owned](internal::MetricsProcess& actor) { actor.add(owned); });
}

/** Takes a metric back. */
inline void remove(const Metric& metric)
{
  internal::inMetricsActor([name = metric.name()](internal::MetricsProcess& actor) { actor.remove(name); });
}

} // namespace metrics {
} // namespace process {

#endif
