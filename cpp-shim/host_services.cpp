#include "host_services.hpp"

#include <algorithm>
#include <string>

#include <glog/logging.h>

namespace apportion {
namespace {

std::string copy(rust::Slice<const uint8_t> bytes)
{
  return bytes.empty() ? std::string() : std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

} // namespace {

bool log_enabled(int32_t severity)
{
  return severity >= fLI::FLAGS_minloglevel;
}

void log_line(int32_t severity, rust::Slice<const uint8_t> file, uint32_t line, rust::Slice<const uint8_t> text)
{
  const std::string name = copy(file);
  const int level = std::min(std::max(severity, static_cast<int32_t>(google::GLOG_INFO)), int32_t{google::GLOG_ERROR});
  google::LogMessage(name.c_str(), static_cast<int>(line), level).stream() << copy(text);
}

} // namespace apportion {
