// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../../README.md.
#ifndef APPORTION_ABI_PROCESS_METRICS_METRIC_HPP
#define APPORTION_ABI_PROCESS_METRICS_METRIC_HPP

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include <process/future.hpp>
#include <stout/duration.hpp>
#include <stout/option.hpp>

namespace process {
namespace metrics {

/** A number with a name. Slots: two destructors, then `value`, which the metrics actor calls. */
class Metric
{
public:
  virtual ~Metric() {}

  virtual Future<double> value() const = 0;

  const std::string& name() const { return data_->name; }

protected:
  /** A metric of ours keeps no history: `window` is none. */
  Metric(const std::string& name, const Option<Duration>&) : data_(std::make_shared<Data>(name)) {}

private:
  friend struct MetricLayout;

  struct Data
  {
    explicit Data(const std::string& text) : name(text) {}

    const std::string name;
    std::atomic_flag lock = ATOMIC_FLAG_INIT;
    // In Mesos an owned series of samples; always none here.
    Option<std::shared_ptr<void>> history;
  };

  std::shared_ptr<Data> data_;
};

/** Checks what the host reads. */
struct MetricLayout
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
  typedef Metric::Data Data;
  static_assert(sizeof(Metric) == 24, "virtual table, then one shared pointer");
  static_assert(sizeof(Data) == 64 && offsetof(Data, lock) == 32 && offsetof(Data, history) == 40, "name, lock, history");
#pragma GCC diagnostic pop
};

} // namespace metrics {
} // namespace process {

#endif
