// The actor behind the Allocator module: one event at a time into the library, its effects back to the master.
#ifndef APPORTION_SHIM_ALLOCATOR_ACTOR_HPP
#define APPORTION_SHIM_ALLOCATOR_ACTOR_HPP

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <mesos/allocator/allocator.hpp>
#include <process/clock.hpp>
#include <process/dispatch.hpp>
#include <process/process.hpp>

#include "debug_endpoint.hpp"
#include "factory.hpp"
#include "metrics.hpp"
#include "offer_constraints.hpp"

namespace apportion {

/** Ends the process with one line in the log. The standby master takes over with correct books. */
[[noreturn]] void endProcess(const std::string& text);

/**
 * Owns the library's allocator. Everything below the constructor runs inside the actor, one thread at a time.
 *
 * The batch loop is the built-in allocator's: wait one interval, tick, let the cycle that the tick asked for run, and
 * only then wait again.
 */
class AllocatorActor : public process::ProcessBase
{
public:
  typedef std::function<
      void(const mesos::FrameworkID&, const hashmap<std::string, hashmap<mesos::SlaveID, mesos::Resources>>&)>
      OfferCallback;
  typedef std::function<
      void(const mesos::FrameworkID&, const hashmap<mesos::SlaveID, mesos::UnavailableResources>&)>
      InverseOfferCallback;

  /** Publishes the metrics that are there from the beginning; the actor is not started yet. */
  AllocatorActor(const apportion_entries& entries, apportion_handle* handle);

  /** Where the effects go; inside the actor, before the first event. */
  void deliverTo(const OfferCallback& offers, const InverseOfferCallback& inverseOffers, const Duration& interval);

  /** Serves the debug endpoint; inside the actor. */
  void serveDebugEndpoint(const Option<std::string>& realm, const Option<mesos::Authorizer*>& authorizer);

  /**
   * Runs `f` inside the actor, behind what its mailbox holds; the mailbox is counted. From any thread. An exception of
   * `f` ends the process.
   */
  template <typename F>
  void enqueue(F&& f)
  {
    enqueue(self(), *mailbox_, std::forward<F>(f));
  }

  /**
   * Hands an event to the library, as `apply` does, behind what the mailbox holds. What the library refuses is one line in
   * the log. From any thread.
   *
   * An event is moved on its way into the mailbox, so what it keeps of an argument has to be a value that it makes
   * itself: a reference to something constant, captured by name, becomes a constant, which is copied each time.
   */
  template <typename Event>
  void post(const char* entry, Event&& event)
  {
    typedef typename std::decay<Event>::type Kept;
    static_assert(
        std::is_nothrow_move_constructible<Kept>::value || !std::is_copy_constructible<Kept>::value,
        "the event keeps a constant, which would be copied wherever the event is moved");
    ++mailbox_->put;
    process::dispatch(self(), [this, entry, event = std::forward<Event>(event)]() mutable {
      ++mailbox_->taken;
      report(entry, apply(entry, event));
    });
  }

  /**
   * Hands one event to the library and performs what it leads to.
   *
   * `call` gets (entries, handle, now, effects). Empty when all went well, else why the event was refused; a broken
   * invariant ends the process.
   */
  template <typename Call>
  std::string apply(const char* entry, Call&& call)
  {
    return apply(entry, [](const apportion_effects&) {}, std::forward<Call>(call));
  }

  /** As above; `look` sees the effects while they are valid. */
  template <typename Look, typename Call>
  std::string apply(const char* entry, Look&& look, Call&& call)
  {
    return guarded(
        entry,
        [&]() -> std::string {
          apportion_effects effects = {};
          const int64_t now = process::Clock::now().duration().ns();
          const apportion_status status = call(library_.entries, library_.handle, now, &effects);
          if (status == APPORTION_FAILED) return text(effects.text);
          if (status != APPORTION_DONE) endProcess(text(effects.text));
          look(effects);
          perform(effects);
          return "";
        },
        [](const std::string& text) -> std::string { endProcess(text); });
  }

  /** One line in the log unless `refused` is empty. */
  static void report(const char* entry, const std::string& refused) noexcept;

  /** Begins the batch loop. */
  void startTicking();

  /** The library's allocator, as long as this actor runs; to be used inside the actor. */
  const Library& library() const { return library_; }

  /** What is known of offer constraints; inside the actor. */
  OfferConstraints& constraints() { return constraints_; }

protected:
  void finalize() override;

private:
  /**
   * Messages of ours, counted where they are put and where they are taken: with one number for both, the master's thread
   * and the actor's would take a line of memory from each other with every message.
   */
  struct Mailbox
  {
    uint64_t waiting() const
    {
      // In this order: what is taken meanwhile was put before.
      const uint64_t gone = taken.load();
      return put.load() - gone;
    }

    std::atomic<uint64_t> put{0};
    char apart[128];
    std::atomic<uint64_t> taken{0};
  };

  /** The message refers to `mailbox` without a share in it: it runs inside the actor, which has one, or never. */
  template <typename F>
  static void enqueue(const process::UPID& actor, Mailbox& mailbox, F&& f)
  {
    ++mailbox.put;
    process::dispatch(actor, [&mailbox, f = std::forward<F>(f)]() mutable {
      ++mailbox.taken;
      guarded("allocator", std::move(f), [](const std::string& text) { endProcess(text); });
    });
  }

  std::string readMetrics(const std::vector<uint32_t>& slots, std::vector<double>& numbers);
  std::string debugJson(const Option<std::vector<std::string>>& frameworks, std::string& json);
  void perform(const apportion_effects& effects);
  void keepNames(const apportion_effects& effects);
  void keepItems(const apportion_effects& effects);
  void keepBundles(const apportion_effects& effects);
  /** Asks for the ids of the agents of later offers: agents come in no order, and their ids lie all over the memory. */
  void fetchAhead(const apportion_offer* offer, const apportion_offer* end);
  void sendOffers(const apportion_effects& effects);
  void sendInverseOffers(const apportion_effects& effects);
  void requestCycle();
  void cycle();
  void tick();

  Library library_;
  // Shared, as a timer of the host may outlive the actor.
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  OfferConstraints constraints_;
  PublishedMetrics metrics_;
  OfferCallback offerCallback_;
  InverseOfferCallback inverseOfferCallback_;
  Duration interval_;
  Option<process::Timer> timer_;
  bool cycleQueued_ = false;
  bool tickWaitsForCycle_ = false;

  // What the library speaks of by slot. Tables of objects of the host must not move them as they grow.
  std::deque<mesos::FrameworkID> frameworks_;
  std::deque<std::string> roles_;
  std::deque<mesos::SlaveID> agents_;
  // One resource each, already carrying its role; never changed once shared, only replaced.
  std::deque<mesos::Resources> items_;
  // What one offer holds: shared items, so that an offer costs a copy of pointers.
  std::deque<mesos::Resources> bundles_;
};

} // namespace apportion {

#endif
