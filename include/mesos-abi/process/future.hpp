// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_PROCESS_FUTURE_HPP
#define APPORTION_ABI_PROCESS_FUTURE_HPP

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <stout/lambda.hpp>
#include <stout/option.hpp>
#include <stout/result.hpp>

namespace process {

template <typename T>
class Promise;

/** A failure that becomes a failed Future of any type. */
class Failure
{
public:
  explicit Failure(std::string text) : message(std::move(text)) {}

  std::string message;
};

/**
 * A value that may come later: one shared pointer to a block made by the producer. A default constructed future is
 * pending and abandoned: nobody will ever complete it.
 */
template <typename T>
class Future
{
public:
  Future() : data_(std::make_shared<Data>()) { data_->abandoned.store(true); }
  Future(const T& value) : data_(std::make_shared<Data>()) { complete(READY, Result<T>(value)); }
  Future(T&& value) : data_(std::make_shared<Data>()) { complete(READY, Result<T>(std::move(value))); }
  Future(const Failure& failure) : data_(std::make_shared<Data>())
  {
    complete(FAILED, Result<T>(Error(failure.message)));
  }

  bool isPending() const { return state() == PENDING; }
  bool isReady() const { return state() == READY; }
  bool isFailed() const { return state() == FAILED; }
  bool isDiscarded() const { return state() == DISCARDED; }
  /** Runs `callback` when the future is complete, at once if it is already; perhaps never. */
  template <typename F>
  const Future<T>& onAny(F&& f) const
  {
    AnyCallback callback(std::forward<F>(f));
    bool complete = true;
    {
      Locked locked(*data_);
      if (data_->state.load() == PENDING) {
        data_->onAnyCallbacks.push_back(std::move(callback));
        complete = false;
      }
    }
    if (complete) std::move(callback)(*this);
    return *this;
  }

  bool hasDiscard() const { return data_->discard.load(); }

  /** The value of a ready future; ends the process in any other state. */
  const T& get() const { return data_->result.get(); }
  /** The text of a failed future; ends the process in any other state. */
  const std::string& failure() const { return data_->result.error(); }

private:
  friend class Promise<T>;
  friend struct FutureLayout;

  enum State : int { PENDING = 0, READY = 1, FAILED = 2, DISCARDED = 3 };

  typedef lambda::CallableOnce<void()> AbandonedCallback;
  typedef lambda::CallableOnce<void()> DiscardCallback;
  typedef lambda::CallableOnce<void(const T&)> ReadyCallback;
  typedef lambda::CallableOnce<void(const std::string&)> FailedCallback;
  typedef lambda::CallableOnce<void()> DiscardedCallback;
  typedef lambda::CallableOnce<void(const Future<T>&)> AnyCallback;

  struct Data
  {
    // A spin lock of one byte, shared with code of the host: acquire to take it, release to give it back.
    std::atomic_flag lock = ATOMIC_FLAG_INIT;
    std::atomic<State> state{PENDING};
    std::atomic_bool discard{false};
    bool associated = false;
    std::atomic_bool abandoned{false};
    Result<T> result = None();
    std::vector<AbandonedCallback> onAbandonedCallbacks;
    std::vector<DiscardCallback> onDiscardCallbacks;
    std::vector<ReadyCallback> onReadyCallbacks;
    std::vector<FailedCallback> onFailedCallbacks;
    std::vector<DiscardedCallback> onDiscardedCallbacks;
    std::vector<AnyCallback> onAnyCallbacks;
  };

  class Locked
  {
  public:
    explicit Locked(Data& data) : data_(data)
    {
      while (data_.lock.test_and_set(std::memory_order_acquire)) {
      }
    }
    ~Locked() { data_.lock.clear(std::memory_order_release); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

  private:
    Data& data_;
  };

  State state() const { return data_->state.load(); }

  /**
   * Value and state are written under the lock; after that nobody adds callbacks any more, so they run without it.
   * False when the future was complete already.
   */
  bool complete(State outcome, Result<T>&& result) const
  {
    // Callbacks may drop the last other reference.
    const Future<T> alive(*this);
    {
      Locked locked(*data_);
      if (data_->state.load() != PENDING) return false;
      data_->result.~Result<T>();
      new (&data_->result) Result<T>(std::move(result));
      data_->state.store(outcome);
    }
    if (outcome == READY) {
      for (ReadyCallback& callback : data_->onReadyCallbacks) std::move(callback)(data_->result.get());
    } else if (outcome == FAILED) {
      for (FailedCallback& callback : data_->onFailedCallbacks) std::move(callback)(data_->result.error());
    } else {
      for (DiscardedCallback& callback : data_->onDiscardedCallbacks) std::move(callback)();
    }
    for (AnyCallback& callback : data_->onAnyCallbacks) std::move(callback)(alive);
    data_->onAbandonedCallbacks.clear();
    data_->onDiscardCallbacks.clear();
    data_->onReadyCallbacks.clear();
    data_->onFailedCallbacks.clear();
    data_->onDiscardedCallbacks.clear();
    data_->onAnyCallbacks.clear();
    return true;
  }

  /** The producer has gone without completing: consumers that asked are told, the future stays pending for ever. */
  void abandon() const
  {
    const Future<T> alive(*this);
    std::vector<AbandonedCallback> callbacks;
    {
      Locked locked(*data_);
      if (data_->state.load() != PENDING || data_->abandoned.load()) return;
      data_->abandoned.store(true);
      callbacks.swap(data_->onAbandonedCallbacks);
    }
    for (AbandonedCallback& callback : callbacks) std::move(callback)();
  }

  std::shared_ptr<Data> data_;
};

/** The producing side of a Future. It never crosses the border, so its own layout is free. */
template <typename T>
class Promise
{
public:
  Promise() { future_.data_->abandoned.store(false); }
  ~Promise()
  {
    if (future_.data_ != nullptr) future_.abandon();
  }
  Promise(Promise&&) = default;
  Promise(const Promise&) = delete;
  Promise& operator=(const Promise&) = delete;

  Future<T> future() const { return future_; }

  bool set(const T& value) { return future_.complete(Future<T>::READY, Result<T>(value)); }
  bool fail(const std::string& text) { return future_.complete(Future<T>::FAILED, Result<T>(Error(text))); }
  bool discard() { return future_.complete(Future<T>::DISCARDED, Result<T>(None())); }

private:
  Future<T> future_;
};

/** Checks the block that producer and consumer share. */
struct FutureLayout
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
  typedef Future<Nothing>::Data Data;
  static_assert(sizeof(Future<Nothing>) == 16, "one shared pointer");
  static_assert(sizeof(Data) == 216, "flags, result, six lists");
  static_assert(offsetof(Data, state) == 4 && offsetof(Data, discard) == 8, "state and discard request");
  static_assert(offsetof(Data, associated) == 9 && offsetof(Data, abandoned) == 10, "flags");
  static_assert(offsetof(Data, result) == 16 && offsetof(Data, onAbandonedCallbacks) == 72, "result");
  static_assert(offsetof(Data, onReadyCallbacks) == 120 && offsetof(Data, onAnyCallbacks) == 192, "lists");
#pragma GCC diagnostic pop
};

} // namespace process {

#endif
