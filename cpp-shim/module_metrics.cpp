#include "module_metrics.hpp"

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
class ModuleNumbers
{
public:
  ModuleNumbers(const apportion_entries& entries, apportion_handle* handle, ModuleMetrics::Number number)
    : entries_(entries), handle_(handle), number_(number)
  {}

  process::Future<double> read(uint32_t slot)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (handle_ == nullptr) return process::Failure("the module is gone");
    double value = std::nan("");
    Buffer text(entries_);
    if (number_(handle_, slot, &value, text.out()) != APPORTION_DONE) {
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
  const ModuleMetrics::Number number_;
};

namespace {

class Published : public process::metrics::Metric
{
public:
  Published(const std::string& name, uint32_t slot, std::shared_ptr<ModuleNumbers> numbers)
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
  const std::shared_ptr<ModuleNumbers> numbers_;
};

} // namespace {

ModuleMetrics::ModuleMetrics(const apportion_entries& entries, apportion_handle* handle, Names names, Number number)
  : numbers_(std::make_shared<ModuleNumbers>(entries, handle, number))
{
  Buffer text(entries);
  if (names(handle, text.out()) != APPORTION_DONE) return;
  std::istringstream lines(text.text());
  std::string name;
  for (uint32_t slot = 0; std::getline(lines, name); ++slot) {
    std::unique_ptr<Published> metric(new Published(name, slot, numbers_));
    process::metrics::add(*metric);
    published_.push_back(std::move(metric));
  }
}

void ModuleMetrics::withdraw()
{
  for (const auto& metric : published_) process::metrics::remove(*metric);
  published_.clear();
  numbers_->end();
}

} // namespace apportion {
