// What the commit ledger hears of the master's calls: on the master's thread, before they are queued for our actor.
#ifndef APPORTION_SHIM_COMMIT_LEDGER_HPP
#define APPORTION_SHIM_COMMIT_LEDGER_HPP

#include <string>
#include <utility>

#include <process/clock.hpp>

#include "allocator_actor.hpp"

namespace apportion {

/**
 * The ledger by which the hook of the same process turns down launches on lent resources that are gone. While nothing
 * is lent it costs a comparison.
 */
class CommitLedger
{
public:
  /** Asks whether it is kept. The process ends if even that goes wrong. */
  CommitLedger(const apportion_entries& entries, apportion_handle* handle) : entries_(entries), handle_(handle)
  {
    Buffer answer(entries_);
    const apportion_status status = entries_.allocator_keeps_commits(handle_, answer.out());
    if (status != APPORTION_DONE && status != APPORTION_UNCHANGED) endProcess(answer.text());
    kept_ = status == APPORTION_DONE;
  }

  bool isKept() const { return kept_; }

  /**
   * Tells it one call. `call` gets (entries, handle, now, buffer).
   *
   * Gives what the ledger answers, empty when it has nothing to say. What it cannot read is a line in the log, as with
   * the event that follows; if it can no longer be trusted the process ends.
   */
  template <typename Call>
  std::string tell(const char* entry, Call&& call) const noexcept
  {
    if (!kept_) return std::string();
    return guarded(
        entry,
        [&]() -> std::string {
          Buffer answer(entries_);
          const int64_t now = process::Clock::now().duration().ns();
          const apportion_status status = call(entries_, handle_, now, answer.out());
          if (status == APPORTION_DONE) return answer.text();
          if (status == APPORTION_UNCHANGED) return std::string();
          if (status != APPORTION_FAILED) endProcess(answer.text());
          APPORTION_LOG(google::GLOG_ERROR, "apportion: " + answer.text());
          return std::string();
        },
        [](const std::string& text) -> std::string { endProcess(text); });
  }

private:
  const apportion_entries& entries_;
  apportion_handle* const handle_;
  bool kept_ = false;
};

} // namespace apportion {

#endif
