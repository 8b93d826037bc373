#include "qos_controller_actor.hpp"

namespace apportion {
namespace {

// How long the agent may take to say what runs on it: it waits for statistics of every container, perhaps for ever.
const Duration PATIENCE = Seconds(60);

/** Unique in the process: a second actor of the same name would not start. */
std::string actorId()
{
  static std::atomic<int> made{0};
  return "apportion-qos-controller(" + std::to_string(++made) + ")";
}

/** A number of four bytes, the lowest first. */
size_t sizeAt(const std::string& bytes, size_t at)
{
  size_t size = 0;
  for (size_t i = 0; i < 4; ++i) size |= static_cast<size_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  return size;
}

} // namespace {

QoSControllerActor::QoSControllerActor(const Library& library) : process::ProcessBase(actorId()), library_(library) {}

void QoSControllerActor::askWith(const Usage& usage)
{
  post([this, usage]() {
    usage_ = usage;
    look();
  });
}

void QoSControllerActor::wait(const Waiting& waiting)
{
  post([this, waiting]() {
    if (waiting_ != nullptr) waiting_->discard();
    waiting_ = waiting;
    look();
  });
}

void QoSControllerActor::wake()
{
  if (isWoken_.exchange(true)) return;
  post([this]() {
    isWoken_ = false;
    look();
  });
}

void QoSControllerActor::finalize()
{
  if (timer_.isSome()) process::Clock::cancel(timer_.get());
}

void QoSControllerActor::look()
{
  // The agent's next question begins with a look.
  if (!usage_ || waiting_ == nullptr) return;
  if (isLooking_) {
    lookAgain_ = true;
    return;
  }
  const uint64_t number = ++look_;
  isLooking_ = true;
  lookAgain_ = false;
  lookAfter(PATIENCE);
  guarded(
      "qos_controller.usage",
      [&]() {
        usage_().onAny([this, number, address = self()](const process::Future<mesos::ResourceUsage>& usage) {
          post(address, [this, number, usage]() { observed(number, usage); });
        });
        return true;
      },
      [&](const std::string& text) {
        failed(text);
        return false;
      });
}

void QoSControllerActor::observed(uint64_t number, const process::Future<mesos::ResourceUsage>& usage)
{
  if (!isLooking_ || number != look_) return;
  if (usage.isReady()) {
    decide(usage.get());
  } else {
    failed(usage.isFailed() ? usage.failure() : "the question was discarded");
  }
}

void QoSControllerActor::decide(const mesos::ResourceUsage& usage)
{
  isLooking_ = false;
  int64_t next = 0;
  Buffer buffer(library_.entries);
  const std::string bytes = serialize(usage);
  const apportion_status status = library_.entries.qos_controller_corrections(
      library_.handle, process::Clock::now().duration().ns(), view(bytes), &next, buffer.out());
  if (status == APPORTION_DONE) {
    deliver(buffer.text());
  } else if (status != APPORTION_UNCHANGED) {
    APPORTION_LOG(google::GLOG_ERROR, "apportion: nobody is ended: " + buffer.text());
  }
  lookAfter(Nanoseconds(next));
  if (lookAgain_) look();
}

void QoSControllerActor::failed(const std::string& reason)
{
  isLooking_ = false;
  int64_t next = 0;
  Buffer buffer(library_.entries);
  const apportion_status status = library_.entries.qos_controller_usage_failed(
      library_.handle, process::Clock::now().duration().ns(), view(reason), &next, buffer.out());
  if (status != APPORTION_UNCHANGED) APPORTION_LOG(google::GLOG_ERROR, "apportion: " + buffer.text());
  lookAfter(Nanoseconds(next));
}

/** The agent hears of all corrections or, where one is no message, of none. */
void QoSControllerActor::deliver(const std::string& framed)
{
  Corrections corrections;
  size_t at = 0;
  while (at < framed.size()) {
    const size_t left = framed.size() - at;
    const size_t size = left < 4 ? 0 : sizeAt(framed, at);
    mesos::slave::QoSCorrection correction;
    if (left < 4 || size > left - 4 ||
        !correction.ParsePartialFromArray(framed.data() + at + 4, static_cast<int>(size))) {
      APPORTION_LOG(google::GLOG_ERROR, "apportion: nobody is ended: the library's corrections are no messages");
      return;
    }
    corrections.push_back(correction);
    at += 4 + size;
  }
  const Waiting waiting = waiting_;
  waiting_ = nullptr;
  if (waiting != nullptr) waiting->set(corrections);
}

void QoSControllerActor::lookAfter(const Duration& time)
{
  if (timer_.isSome()) process::Clock::cancel(timer_.get());
  timer_ = process::Clock::timer(time, [this, address = self(), number = ++timerNumber_]() {
    post(address, [this, number]() { timeout(number); });
  });
}

void QoSControllerActor::timeout(uint64_t number)
{
  if (number != timerNumber_) return;
  if (isLooking_) {
    failed("there was no answer for " + std::to_string(PATIENCE.ns() / 1000000000) + " s");
  } else {
    look();
  }
}

} // namespace apportion {
