// Metrics of isolator and QoS controller in the host's registry: names once, numbers when somebody asks.
#ifndef APPORTION_SHIM_MODULE_METRICS_HPP
#define APPORTION_SHIM_MODULE_METRICS_HPP

#include <memory>
#include <vector>

#include <process/metrics/metric.hpp>

#include "apportion_abi.h"

namespace apportion {

class ModuleNumbers;

/** The metrics of one module, published while it lives. */
class ModuleMetrics
{
public:
  /** The entries that tell their names, one in each line, and the number in a slot. */
  typedef apportion_status (*Names)(apportion_handle*, apportion_buffer*);
  typedef apportion_status (*Number)(apportion_handle*, uint32_t, double*, apportion_buffer*);

  ModuleMetrics(const apportion_entries& entries, apportion_handle* handle, Names names, Number number);
  ~ModuleMetrics() { withdraw(); }
  ModuleMetrics(const ModuleMetrics&) = delete;
  ModuleMetrics& operator=(const ModuleMetrics&) = delete;

  /** Takes the metrics back. The library is not asked any more once this returns. */
  void withdraw();

private:
  std::shared_ptr<ModuleNumbers> numbers_;
  std::vector<std::unique_ptr<process::metrics::Metric>> published_;
};

} // namespace apportion {

#endif
