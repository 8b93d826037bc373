// No exception crosses the border: every method that the host calls runs inside `guarded`.
#ifndef APPORTION_SHIM_GUARD_HPP
#define APPORTION_SHIM_GUARD_HPP

#include <exception>
#include <string>
#include <utility>

#include <glog/logging.h>

namespace apportion {

/**
 * Runs `call`; an exception becomes `refuse(text)`, the method's own way of saying no.
 *
 * `entry` names the method in the text.
 */
template <typename Call, typename Refuse>
auto guarded(const char* entry, Call&& call, Refuse&& refuse) noexcept -> decltype(call())
{
  try {
    return std::forward<Call>(call)();
  } catch (const std::exception& exception) {
    return refuse(std::string(entry) + ": " + exception.what());
  } catch (...) {
    return refuse(std::string(entry) + ": an exception of an unknown type");
  }
}

/** One line in the host's log. */
inline void log(const char* file, int line, int severity, const std::string& text)
{
  google::LogMessage(file, line, severity).stream() << text;
}

} // namespace apportion {

#define APPORTION_LOG(severity, text) ::apportion::log(__FILE__, __LINE__, severity, text)

#endif
