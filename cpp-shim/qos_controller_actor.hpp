// The actor behind the QoSController module: looks at what runs on the agent, and completes the future that the agent
// waits for when somebody has to end.
#ifndef APPORTION_SHIM_QOS_CONTROLLER_ACTOR_HPP
#define APPORTION_SHIM_QOS_CONTROLLER_ACTOR_HPP

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include <mesos/slave/qos_controller.hpp>
#include <process/clock.hpp>
#include <process/dispatch.hpp>
#include <process/future.hpp>
#include <process/process.hpp>

#include "factory.hpp"

namespace apportion {

/**
 * One look at a time: it asks the agent for its usage, which may take long, as every container is measured for it, and
 * hands the answer to the library. Who wakes the actor meanwhile gets one more look afterwards. Between two looks the
 * library's time passes. Nothing is looked at while the agent does not wait for corrections.
 */
class QoSControllerActor : public process::ProcessBase
{
public:
  typedef std::list<mesos::slave::QoSCorrection> Corrections;
  typedef std::shared_ptr<process::Promise<Corrections>> Waiting;
  typedef std::function<process::Future<mesos::ResourceUsage>()> Usage;

  explicit QoSControllerActor(const Library& library);

  /** Where to ask; from any thread. */
  void askWith(const Usage& usage);

  /** The agent waits for corrections, and no longer for those it waited for before; from any thread. */
  void wait(const Waiting& waiting);

  /** Somebody may have to end; from any thread, cheap, and one look for many calls. */
  void wake();

protected:
  void finalize() override;

private:
  template <typename F>
  void post(F&& f) const
  {
    post(self(), std::forward<F>(f));
  }

  /** Runs `f` in the actor, if that is still there; an exception is a line in the log. */
  template <typename F>
  static void post(const process::UPID& actor, F&& f)
  {
    process::dispatch(actor, [f = std::forward<F>(f)]() {
      guarded(
          "qos_controller",
          [&]() {
            f();
            return true;
          },
          [](const std::string& text) {
            APPORTION_LOG(google::GLOG_ERROR, "apportion: " + text);
            return false;
          });
    });
  }

  void look();
  void observed(uint64_t number, const process::Future<mesos::ResourceUsage>& usage);
  void decide(const mesos::ResourceUsage& usage);
  void failed(const std::string& reason);
  void deliver(const std::string& framed);
  void lookAfter(const Duration& time);
  void timeout(uint64_t number);

  const Library& library_;
  std::atomic<bool> isWoken_{false};
  Usage usage_;
  Waiting waiting_;
  // Which look is under way, and whether one is: an answer to an earlier one comes too late.
  uint64_t look_ = 0;
  bool isLooking_ = false;
  bool lookAgain_ = false;
  Option<process::Timer> timer_;
  // Which timer counts: one that was cancelled too late does not.
  uint64_t timerNumber_ = 0;
};

} // namespace apportion {

#endif
