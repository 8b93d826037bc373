// The QoSController module. It has nothing to correct yet: the future it hands out stays pending.
#include <list>
#include <string>

#include <mesos/slave/qos_controller.hpp>

#include "factory.hpp"

namespace apportion {
namespace {

class QoSControllerShim : public mesos::slave::QoSController
{
public:
  QoSControllerShim(const apportion_entries& entries, apportion_handle* handle)
    : library_(entries, APPORTION_QOS_CONTROLLER, handle)
  {}

  Try<Nothing> initialize(const std::function<process::Future<mesos::ResourceUsage>()>& usage) override
  {
    return guarded(
        "qos_controller.initialize",
        [&]() -> Try<Nothing> {
          usage_ = usage;
          Buffer text(library_.entries);
          const apportion_status status = library_.entries.qos_controller_initialize(library_.handle, text.out());
          if (status == APPORTION_DONE || status == APPORTION_UNCHANGED) return Nothing();
          return Error(text.text());
        },
        [](const std::string& text) -> Try<Nothing> { return Error(text); });
  }

  process::Future<std::list<mesos::slave::QoSCorrection>> corrections() override
  {
    typedef process::Future<std::list<mesos::slave::QoSCorrection>> Corrections;
    return guarded(
        "qos_controller.corrections",
        [&]() -> Corrections {
          Buffer text(library_.entries);
          const apportion_status status = library_.entries.qos_controller_corrections(library_.handle, text.out());
          if (status == APPORTION_UNCHANGED) return pending_.future();
          return process::Failure(text.text());
        },
        [](const std::string& text) -> Corrections { return process::Failure(text); });
  }

private:
  Library library_;
  std::function<process::Future<mesos::ResourceUsage>()> usage_;
  process::Promise<std::list<mesos::slave::QoSCorrection>> pending_;
};

} // namespace {
} // namespace apportion {

extern "C" void* apportion_make_qos_controller(const void* parameters, const apportion_entries* entries)
{
  mesos::slave::QoSController* controller = apportion::make<apportion::QoSControllerShim>(
      APPORTION_QOS_CONTROLLER, "org_apportion_QoSController", parameters, entries);
  return controller;
}
