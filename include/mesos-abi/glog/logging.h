// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_GLOG_LOGGING_H
#define APPORTION_ABI_GLOG_LOGGING_H

#include <cstdint>
#include <ostream>

/** The host's flag `--logging_level`, as glog keeps it: severities below it are not written. */
namespace fLI {
extern int32_t FLAGS_minloglevel;
}

namespace google {

const int GLOG_INFO = 0;
const int GLOG_WARNING = 1;
const int GLOG_ERROR = 2;
const int GLOG_FATAL = 3;

/** One line in the host's log: written to `stream()`, emitted by the destructor. Severity fatal ends the process. */
class LogMessage
{
public:
  LogMessage(const char* file, int line, int severity);
  ~LogMessage();

  std::ostream& stream();

private:
  void* data_;
  void* allocated_;
};

static_assert(sizeof(LogMessage) == 16, "two pointers");

} // namespace google {

#endif
