// The QoSController module. The future that it hands out stays pending until somebody has to end.
#include <memory>
#include <stdexcept>
#include <string>

#include <mesos/slave/qos_controller.hpp>

#include "factory.hpp"
#include "module_metrics.hpp"
#include "qos_controller_actor.hpp"
#include "qos_controller_endpoint.hpp"

namespace apportion {
namespace {

class QoSControllerShim : public mesos::slave::QoSController
{
public:
  QoSControllerShim(const apportion_entries& entries, apportion_handle* handle)
    : library_(new Library(entries, APPORTION_QOS_CONTROLLER, handle)),
      actor_(new QoSControllerActor(*library_)),
      metrics_(entries, handle, entries.qos_controller_metrics, entries.qos_controller_metric)
  {
    endpoint_ = qosControllerEndpoint(*library_);
    process::spawn(actor_.get());
    Buffer text(entries);
    // Not before: a wake that finds no actor would be lost, and every later one with it.
    const apportion_status status = entries.qos_controller_listen(handle, this, &QoSControllerShim::woken, text.out());
    if (status == APPORTION_DONE) return;
    end();
    throw std::runtime_error(text.text());
  }

  ~QoSControllerShim() override { end(); }

  Try<Nothing> initialize(const std::function<process::Future<mesos::ResourceUsage>()>& usage) override
  {
    return guarded(
        "qos_controller.initialize",
        [&]() -> Try<Nothing> {
          Buffer text(library_->entries);
          const apportion_status status = library_->entries.qos_controller_initialize(library_->handle, text.out());
          if (status != APPORTION_DONE && status != APPORTION_UNCHANGED) return Error(text.text());
          if (status == APPORTION_DONE) actor_->askWith(usage);
          return Nothing();
        },
        [](const std::string& text) -> Try<Nothing> { return Error(text); });
  }

  process::Future<QoSControllerActor::Corrections> corrections() override
  {
    typedef process::Future<QoSControllerActor::Corrections> Corrections;
    return guarded(
        "qos_controller.corrections",
        [&]() -> Corrections {
          const auto waiting = std::make_shared<process::Promise<QoSControllerActor::Corrections>>();
          actor_->wait(waiting);
          return waiting->future();
        },
        [](const std::string& text) -> Corrections { return process::Failure(text); });
  }

private:
  /** The actor's work ends before the library that it asks, and that before the actor that it wakes goes away. */
  void end()
  {
    endpoint_.reset();
    metrics_.withdraw();
    process::terminate(actor_->self());
    process::wait(actor_->self());
    library_.reset();
  }

  /** Called by the library, on any thread. */
  static void woken(void* context) noexcept
  {
    guarded(
        "qos_controller.woken",
        [&]() {
          static_cast<QoSControllerShim*>(context)->actor_->wake();
          return true;
        },
        [](const std::string& text) {
          APPORTION_LOG(google::GLOG_ERROR, text);
          return false;
        });
  }

  std::unique_ptr<Library> library_;
  std::unique_ptr<QoSControllerActor> actor_;
  ModuleMetrics metrics_;
  std::unique_ptr<Endpoint> endpoint_;
};

} // namespace {
} // namespace apportion {

extern "C" void* apportion_make_qos_controller(const void* parameters, const apportion_entries* entries)
{
  mesos::slave::QoSController* controller = apportion::make<apportion::QoSControllerShim>(
      APPORTION_QOS_CONTROLLER, "org_apportion_QoSController", parameters, entries);
  return controller;
}
