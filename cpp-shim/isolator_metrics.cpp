#include "isolator_metrics.hpp"

#include <cmath>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>

#include <process/future.hpp>
#include <process/metrics/metrics.hpp>

#include "guard.hpp"
#include "views.hpp"

namespace apportion {

/** The library's side, as long as it is there: the host keeps copies of metrics longer than we do. */
class IsolatorNumbers
{
public:
  IsolatorNumbers(const apportion_entries& entries, apportion_handle* handle) : entries_(entries), handle_(handle) {}

  process::Future<double> read(uint32_t slot)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (handle_ == nullptr) return process::Failure("the isolator is gone");
    double value = std::nan("");
    Buffer text(entries_);
    if (entries_.isolator_metric(handle_, slot, &value, text.out()) != APPORTION_DONE) {
      return process::Failure(text.text());
    }
    if (std::isnan(value)) return process::Failure("no value yet");
    return value;
  }

  void end()
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    handle_ = nullptr;
  }

private:
  std::mutex mutex_;
  const apportion_entries& entries_;
  apportion_handle* handle_;
};

namespace {

class Published : public process::metrics::Metric
{
public:
  Published(const std::string& name, uint32_t slot, std::shared_ptr<IsolatorNumbers> numbers)
    : Metric(name, None()), slot_(slot), numbers_(std::move(numbers))
  {}

  process::Future<double> value() const override
  {
    return guarded(
        "metric",
        [this]() { return numbers_->read(slot_); },
        [](const std::string& text) { return process::Future<double>(process::Failure(text)); });
  }

private:
  const uint32_t slot_;
  const std::shared_ptr<IsolatorNumbers> numbers_;
};

} // namespace {

IsolatorMetrics::IsolatorMetrics(const apportion_entries& entries, apportion_handle* handle)
  : numbers_(std::make_shared<IsolatorNumbers>(entries, handle))
{
  Buffer names(entries);
  if (entries.isolator_metrics(handle, names.out()) != APPORTION_DONE) return;
  std::istringstream lines(names.text());
  std::string name;
  for (uint32_t slot = 0; std::getline(lines, name); ++slot) {
    std::unique_ptr<Published> metric(new Published(name, slot, numbers_));
    process::metrics::add(*metric);
    published_.push_back(std::move(metric));
  }
}

void IsolatorMetrics::withdraw()
{
  for (const auto& metric : published_) process::metrics::remove(*metric);
  published_.clear();
  numbers_->end();
}

} // namespace apportion {
