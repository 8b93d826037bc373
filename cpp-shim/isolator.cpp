// The Isolator module. Its methods may run on several threads at once: the library locks, the shim keeps only the
// futures of watched containers, under a lock of its own that is never held while anything else is called.
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <mesos/resource_quantities.hpp>
#include <mesos/slave/isolator.hpp>
#include <process/clock.hpp>

#include "factory.hpp"

namespace apportion {
namespace {

using mesos::slave::ContainerLaunchInfo;
using mesos::slave::ContainerLimitation;

class IsolatorShim : public mesos::slave::Isolator
{
public:
  IsolatorShim(const apportion_entries& entries, apportion_handle* handle)
    : library_(entries, APPORTION_ISOLATOR, handle)
  {}

  bool supportsNesting() override
  {
    return answer("isolator.supports_nesting", library_.entries.isolator_supports_nesting);
  }

  bool supportsStandalone() override
  {
    return answer("isolator.supports_standalone", library_.entries.isolator_supports_standalone);
  }

  process::Future<Nothing> recover(
      const std::vector<mesos::slave::ContainerState>& states, const hashset<mesos::ContainerID>& orphans) override
  {
    return tell("isolator.recover", [&](const Entries& e, Handle h, Out out) {
      const ByteList known = serializeAll(states), unknown = serializeAll(orphans);
      return e.isolator_recover(h, ListView(known).get(), ListView(unknown).get(), out);
    });
  }

  process::Future<Option<ContainerLaunchInfo>> prepare(
      const mesos::ContainerID& container, const mesos::slave::ContainerConfig& config) override
  {
    typedef process::Future<Option<ContainerLaunchInfo>> Prepared;
    return guarded(
        "isolator.prepare",
        [&]() -> Prepared {
          const std::string id = serialize(container), text = serialize(config);
          Buffer buffer(library_.entries);
          const apportion_status status =
              library_.entries.isolator_prepare(library_.handle, view(id), view(text), buffer.out());
          if (status == APPORTION_UNCHANGED) return Option<ContainerLaunchInfo>();
          if (status != APPORTION_DONE) return process::Failure(buffer.text());
          ContainerLaunchInfo info;
          if (!buffer.parse(&info)) return process::Failure("the library's launch settings are not a message");
          return Option<ContainerLaunchInfo>(info);
        },
        [](const std::string& text) -> Prepared { return process::Failure(text); });
  }

  process::Future<Nothing> isolate(const mesos::ContainerID& container, pid_t pid) override
  {
    return tell("isolator.isolate", [&](const Entries& e, Handle h, Out out) {
      const std::string id = serialize(container);
      return e.isolator_isolate(h, view(id), pid, out);
    });
  }

  process::Future<ContainerLimitation> watch(const mesos::ContainerID& container) override
  {
    typedef process::Future<ContainerLimitation> Limitation;
    return guarded(
        "isolator.watch",
        [&]() -> Limitation {
          const std::string id = serialize(container);
          Buffer text(library_.entries);
          const apportion_status status = library_.entries.isolator_watch(library_.handle, view(id), text.out());
          if (status != APPORTION_DONE) return process::Failure(text.text());
          const std::lock_guard<std::mutex> lock(mutex_);
          std::shared_ptr<Watch>& watch = watches_[id];
          if (watch == nullptr) watch = std::make_shared<Watch>();
          return watch->future();
        },
        [](const std::string& text) -> Limitation { return process::Failure(text); });
  }

  process::Future<Nothing> update(
      const mesos::ContainerID& container,
      const mesos::Resources& requests,
      const google::protobuf::Map<std::string, mesos::Value_Scalar>& limits) override
  {
    return tell("isolator.update", [&](const Entries& e, Handle h, Out out) {
      const std::string id = serialize(container);
      const ByteList resources = serialize(requests);
      const QuantityList quantities{mesos::ResourceLimits(limits)};
      return e.isolator_update(h, view(id), ListView(resources).get(), QuantitiesView(quantities).get(), out);
    });
  }

  process::Future<mesos::ResourceStatistics> usage(const mesos::ContainerID& container) override
  {
    return ask<mesos::ResourceStatistics>("isolator.usage", [&](const Entries& e, Handle h, Out out) {
      const std::string id = serialize(container);
      return e.isolator_usage(h, view(id), process::Clock::now().duration().ns(), out);
    });
  }

  process::Future<mesos::ContainerStatus> status(const mesos::ContainerID& container) override
  {
    return ask<mesos::ContainerStatus>("isolator.status", [&](const Entries& e, Handle h, Out out) {
      const std::string id = serialize(container);
      return e.isolator_status(h, view(id), out);
    });
  }

  process::Future<Nothing> cleanup(const mesos::ContainerID& container) override
  {
    return tell("isolator.cleanup", [&](const Entries& e, Handle h, Out out) {
      const std::string id = serialize(container);
      const apportion_status status = e.isolator_cleanup(h, view(id), out);
      endWatch(id);
      return status;
    });
  }

private:
  typedef apportion_entries Entries;
  typedef apportion_handle* Handle;
  typedef apportion_buffer* Out;
  typedef process::Promise<ContainerLimitation> Watch;

  /** A yes or no; no when the library cannot say, with a line in the log. */
  bool answer(const char* entry, apportion_status (*question)(Handle, uint8_t*, Out)) noexcept
  {
    return guarded(
        entry,
        [&]() {
          uint8_t yes = 0;
          Buffer text(library_.entries);
          if (question(library_.handle, &yes, text.out()) == APPORTION_DONE) return yes != 0;
          APPORTION_LOG(google::GLOG_ERROR, text.text());
          return false;
        },
        [](const std::string& text) {
          APPORTION_LOG(google::GLOG_ERROR, text);
          return false;
        });
  }

  /** A call that ends well or fails that container's future. */
  template <typename Call>
  process::Future<Nothing> tell(const char* entry, Call&& call) noexcept
  {
    return guarded(
        entry,
        [&]() -> process::Future<Nothing> {
          Buffer text(library_.entries);
          const apportion_status status = call(library_.entries, library_.handle, text.out());
          if (status == APPORTION_DONE || status == APPORTION_UNCHANGED) return Nothing();
          return process::Failure(text.text());
        },
        [](const std::string& text) -> process::Future<Nothing> { return process::Failure(text); });
  }

  /** A call whose answer is a message. */
  template <typename Message, typename Call>
  process::Future<Message> ask(const char* entry, Call&& call) noexcept
  {
    return guarded(
        entry,
        [&]() -> process::Future<Message> {
          Buffer buffer(library_.entries);
          const apportion_status status = call(library_.entries, library_.handle, buffer.out());
          if (status != APPORTION_DONE) return process::Failure(buffer.text());
          Message message;
          if (!buffer.parse(&message)) {
            return process::Failure(std::string(entry) + ": the library's answer is not a message");
          }
          return message;
        },
        [](const std::string& text) -> process::Future<Message> { return process::Failure(text); });
  }

  /** Tells whoever watches the container that nothing will come any more. */
  void endWatch(const std::string& id)
  {
    std::shared_ptr<Watch> watch;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto found = watches_.find(id);
      if (found == watches_.end()) return;
      watch = found->second;
      watches_.erase(found);
    }
    watch->discard();
  }

  Library library_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Watch>> watches_;
};

} // namespace {
} // namespace apportion {

extern "C" void* apportion_make_isolator(const void* parameters, const apportion_entries* entries)
{
  mesos::slave::Isolator* isolator =
      apportion::make<apportion::IsolatorShim>(APPORTION_ISOLATOR, "org_apportion_Isolator", parameters, entries);
  return isolator;
}
