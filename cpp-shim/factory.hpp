// What the four makers have in common: check the host, create the Rust side, or say in one block why not.
#ifndef APPORTION_SHIM_FACTORY_HPP
#define APPORTION_SHIM_FACTORY_HPP

#include <string>

#include <mesos/mesos.hpp>

#include "apportion_abi.h"
#include "guard.hpp"
#include "self_test.hpp"
#include "views.hpp"

namespace apportion {

/**
 * The Rust side of a module, made from the parameters of its entry in the modules JSON.
 *
 * Null after a line in the host's log when the table has another size, the host another layout, or the parameters are
 * wrong.
 */
inline apportion_handle* createHandle(
    apportion_module module, const char* name, const void* parameters, const apportion_entries* entries)
{
  if (parameters == nullptr || entries == nullptr || entries->size != sizeof(apportion_entries)) {
    APPORTION_LOG(
        google::GLOG_ERROR,
        std::string(name) + " is not created: its C++ and Rust parts come from different builds; build it again");
    return nullptr;
  }
  const std::string differences = selfTest();
  if (!differences.empty()) {
    APPORTION_LOG(
        google::GLOG_ERROR,
        std::string(name) + " is not created: this host is not the Mesos build that the module was made for (" +
            differences + "); build the module with APPORTION_MESOS_INCLUDE set to the host's own headers");
    return nullptr;
  }
  const std::string bytes = serialize(*static_cast<const mesos::Parameters*>(parameters));
  apportion_handle* handle = nullptr;
  Buffer problem(*entries);
  const apportion_status status = entries->create(module, view(bytes), &handle, problem.out());
  if (status == APPORTION_DONE && handle != nullptr) return handle;
  APPORTION_LOG(google::GLOG_ERROR, std::string(name) + " is not created: " + problem.text());
  return nullptr;
}

/** Makes a module object around a handle. Null when anything goes wrong: the host then refuses to start. */
template <typename Shim>
Shim* make(apportion_module module, const char* name, const void* parameters, const apportion_entries* entries) noexcept
{
  return guarded(
      name,
      [&]() -> Shim* {
        apportion_handle* handle = createHandle(module, name, parameters, entries);
        return handle == nullptr ? nullptr : new Shim(*entries, handle);
      },
      [](const std::string& text) -> Shim* {
        APPORTION_LOG(google::GLOG_ERROR, text);
        return nullptr;
      });
}

/** The library's side of one module, ended together with the shim's. */
class Library
{
public:
  Library(const apportion_entries& table, apportion_module module, apportion_handle* owned)
    : entries(table), handle(owned), module_(module)
  {}
  ~Library() { entries.destroy(module_, handle); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const apportion_entries& entries;
  apportion_handle* const handle;

private:
  const apportion_module module_;
};

} // namespace apportion {

#endif
