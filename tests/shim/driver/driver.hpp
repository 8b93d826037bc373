// What the parts of the driver share: messages in wire format, checks, and the library under test.
#ifndef APPORTION_TESTS_DRIVER_HPP
#define APPORTION_TESTS_DRIVER_HPP

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <mesos/mesos.hpp>
#include <mesos/module.hpp>

#include "wire.hpp"

namespace driver {

/** Ends the process with a line that says what did not hold. */
[[noreturn]] inline void fail(const char* file, int line, const std::string& what)
{
  std::fprintf(stderr, "DRIVER FAILED %s:%d: %s\n", file, line, what.c_str());
  std::fflush(stderr);
  std::_Exit(9);
}

/** How many checks held. */
inline int& checks()
{
  static int held = 0;
  return held;
}

// ---- messages in wire format ----

using namespace wire;

template <typename Message>
std::string bytes(const Message& message)
{
  std::string out;
  message.AppendPartialToString(&out);
  return out;
}

inline std::string label(const std::string& key, const std::string& value)
{
  return field(1, field(1, key) + field(2, value));
}

// ---- the library under test ----

class Library
{
public:
  explicit Library(const std::string& path);

  /** Makes a module of this name with parameters given as key and value; null when it refuses. */
  template <typename T>
  T* make(const std::string& name, const std::string& parameters) const
  {
    return static_cast<T*>(create(name, parameters));
  }

private:
  void* create(const std::string& name, const std::string& parameters) const;

  void* handle_;
};

/** One parameter of a module. */
inline std::string parameter(const std::string& key, const std::string& value)
{
  return field(1, field(1, key) + field(2, value));
}

// ---- the host around the library ----

/** Every metric that the host has a number for; fails the test when the host does not answer. */
std::map<std::string, double> metrics();

/** The answer to an HTTP request without a body to this process, headers and all. */
std::string http(const std::string& method, const std::string& path);

/** The answer to a GET. */
std::string httpGet(const std::string& path);

// The parts. `entry` names one entry point that panics on purpose, or is empty to drive all of them.
void driveAllocator(const Library& library, const std::string& parameters, const std::string& entry);
void driveHook(const Library& library, const std::string& parameters, const std::string& entry);
void driveIsolator(const Library& library, const std::string& parameters, const std::string& entry);
void driveQosController(const Library& library, const std::string& parameters, const std::string& entry);
void driveShimAlone();
void driveTerms(const Library& library, const std::string& parameters, const std::string& entry);
void driveUnreadableFilters(const Library& library);
void callEverything(void* allocator);
void offerToThrowingCallback(const Library& library, const std::string& parameters);

} // namespace driver {

#define HOLDS(condition)                                              \
  do {                                                                \
    if (!(condition)) driver::fail(__FILE__, __LINE__, #condition);   \
    ++driver::checks();                                               \
  } while (false)

#endif
