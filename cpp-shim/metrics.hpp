// The library's metrics in the host's registry: names come with effects, numbers are asked for in the actor.
#ifndef APPORTION_SHIM_METRICS_HPP
#define APPORTION_SHIM_METRICS_HPP

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <process/future.hpp>
#include <process/metrics/metric.hpp>
#include <process/pid.hpp>

#include "apportion_abi.h"

namespace apportion {

/**
 * Questions for numbers, from any thread, answered in the actor all at once: a snapshot of thousands of metrics is one
 * message in its mailbox, and shows one moment. Questions that nobody answers any more fail.
 */
class Questions : public std::enable_shared_from_this<Questions>
{
public:
  /** Puts the numbers of some slots into the second list; runs in the actor. Empty, or why it could not. */
  typedef std::function<std::string(const std::vector<uint32_t>&, std::vector<double>&)> Answer;

  Questions(const process::UPID& actor, const Answer& answer) : actor_(actor), answer_(answer) {}

  /** The number in a slot, later; the future fails when there is none. */
  process::Future<double> ask(uint32_t slot);

private:
  friend class Round;

  typedef std::pair<uint32_t, std::shared_ptr<process::Promise<double>>> Question;

  std::vector<Question> take();
  void answer();

  const process::UPID actor_;
  const Answer answer_;
  std::mutex mutex_;
  std::vector<Question> waiting_;
};

/** The metrics published at the moment. Used by one thread at a time; all are taken back at the end. */
class PublishedMetrics
{
public:
  explicit PublishedMetrics(std::shared_ptr<Questions> questions) : questions_(std::move(questions)) {}
  ~PublishedMetrics();
  PublishedMetrics(const PublishedMetrics&) = delete;
  PublishedMetrics& operator=(const PublishedMetrics&) = delete;

  /** Takes back and publishes what the effects say. */
  void follow(const apportion_effects& effects);

private:
  const std::shared_ptr<Questions> questions_;
  std::map<uint32_t, std::unique_ptr<process::metrics::Metric>> bySlot_;
};

} // namespace apportion {

#endif
