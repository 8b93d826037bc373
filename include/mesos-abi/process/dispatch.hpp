// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_PROCESS_DISPATCH_HPP
#define APPORTION_ABI_PROCESS_DISPATCH_HPP

#include <memory>
#include <typeinfo>
#include <utility>

#include <process/process.hpp>
#include <stout/lambda.hpp>
#include <stout/option.hpp>

namespace process {
namespace internal {

void dispatch(
    const UPID& pid,
    std::unique_ptr<lambda::CallableOnce<void(ProcessBase*)>> f,
    const Option<const std::type_info*>& functionType);

} // namespace internal {

/** Runs `f` in the actor `pid`, after what its mailbox already holds; does nothing when the actor is gone. */
template <typename F>
void dispatch(const UPID& pid, F&& f)
{
  typedef lambda::CallableOnce<void(ProcessBase*)> Call;
  internal::dispatch(pid, std::unique_ptr<Call>(new Call(std::forward<F>(f))), None());
}

} // namespace process {

#endif
