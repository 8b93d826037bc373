// The isolator's metrics in the host's registry: names once, numbers when somebody asks.
#ifndef APPORTION_SHIM_ISOLATOR_METRICS_HPP
#define APPORTION_SHIM_ISOLATOR_METRICS_HPP

#include <memory>
#include <vector>

#include <process/metrics/metric.hpp>

#include "apportion_abi.h"

namespace apportion {

class IsolatorNumbers;

/** The metrics of one isolator, published while it lives. */
class IsolatorMetrics
{
public:
  IsolatorMetrics(const apportion_entries& entries, apportion_handle* handle);
  ~IsolatorMetrics() { withdraw(); }
  IsolatorMetrics(const IsolatorMetrics&) = delete;
  IsolatorMetrics& operator=(const IsolatorMetrics&) = delete;

  /** Takes the metrics back. The library is not asked any more once this returns. */
  void withdraw();

private:
  std::shared_ptr<IsolatorNumbers> numbers_;
  std::vector<std::unique_ptr<process::metrics::Metric>> published_;
};

} // namespace apportion {

#endif
