// The Isolator module. Its methods may run on several threads at once: the library locks, the shim keeps only the
// futures of watched containers and of cleanups that are under way, under a lock of its own that is never held while
// anything else is called.
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include <mesos/resource_quantities.hpp>
#include <mesos/slave/isolator.hpp>
#include <process/clock.hpp>

#include "factory.hpp"
#include "isolator_endpoint.hpp"
#include "module_metrics.hpp"

namespace apportion {
namespace {

using mesos::slave::ContainerLaunchInfo;
using mesos::slave::ContainerLimitation;

class IsolatorShim : public mesos::slave::Isolator
{
public:
  IsolatorShim(const apportion_entries& entries, apportion_handle* handle)
    : library_(new Library(entries, APPORTION_ISOLATOR, handle)),
      metrics_(entries, handle, entries.isolator_metrics, entries.isolator_metric)
  {
    Buffer text(entries);
    const apportion_status status = entries.isolator_listen(handle, this, &IsolatorShim::told, text.out());
    if (status != APPORTION_DONE) throw std::runtime_error(text.text());
    endpoint_ = isolatorEndpoint(*library_);
  }

  /** The library first: it tells until it is gone. */
  ~IsolatorShim() override
  {
    endpoint_.reset();
    metrics_.withdraw();
    library_.reset();
  }

  bool supportsNesting() override
  {
    return answer("isolator.supports_nesting", library_->entries.isolator_supports_nesting);
  }

  bool supportsStandalone() override
  {
    return answer("isolator.supports_standalone", library_->entries.isolator_supports_standalone);
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
          Buffer buffer(library_->entries);
          const apportion_status status =
              library_->entries.isolator_prepare(library_->handle, view(id), view(text), buffer.out());
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
          // The future is there before the library can tell of it.
          const std::shared_ptr<Watch> watch = promised(watches_, id);
          Buffer text(library_->entries);
          const apportion_status status = library_->entries.isolator_watch(library_->handle, view(id), text.out());
          if (status == APPORTION_DONE) return watch->future();
          taken(watches_, id);
          return process::Failure(text.text());
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
    return guarded(
        "isolator.cleanup",
        [&]() -> process::Future<Nothing> {
          const std::string id = serialize(container);
          const std::shared_ptr<Cleanup> cleanup = promised(cleanups_, id);
          Buffer text(library_->entries);
          const apportion_status status = library_->entries.isolator_cleanup(library_->handle, view(id), text.out());
          // Whoever watches is told that nothing will come any more.
          if (const std::shared_ptr<Watch> watch = taken(watches_, id)) watch->discard();
          if (status == APPORTION_PENDING) return cleanup->future();
          // Also whoever waits for an earlier cleanup of it hears of this one.
          const std::shared_ptr<Cleanup> waiting = taken(cleanups_, id);
          if (status == APPORTION_DONE || status == APPORTION_UNCHANGED) {
            if (waiting != nullptr) waiting->set(Nothing());
            return Nothing();
          }
          if (waiting != nullptr) waiting->fail(text.text());
          return process::Failure(text.text());
        },
        [](const std::string& text) -> process::Future<Nothing> { return process::Failure(text); });
  }

private:
  typedef apportion_entries Entries;
  typedef apportion_handle* Handle;
  typedef apportion_buffer* Out;
  typedef process::Promise<ContainerLimitation> Watch;
  typedef process::Promise<Nothing> Cleanup;

  /** A yes or no; no when the library cannot say, with a line in the log. */
  bool answer(const char* entry, apportion_status (*question)(Handle, uint8_t*, Out)) noexcept
  {
    return guarded(
        entry,
        [&]() {
          uint8_t yes = 0;
          Buffer text(library_->entries);
          if (question(library_->handle, &yes, text.out()) == APPORTION_DONE) return yes != 0;
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
          Buffer text(library_->entries);
          const apportion_status status = call(library_->entries, library_->handle, text.out());
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
          Buffer buffer(library_->entries);
          const apportion_status status = call(library_->entries, library_->handle, buffer.out());
          if (status != APPORTION_DONE) return process::Failure(buffer.text());
          Message message;
          if (!buffer.parse(&message)) {
            return process::Failure(std::string(entry) + ": the library's answer is not a message");
          }
          return message;
        },
        [](const std::string& text) -> process::Future<Message> { return process::Failure(text); });
  }

  template <typename Promise>
  using Promises = std::map<std::string, std::shared_ptr<Promise>>;

  /** The promise for a container, made if there is none. */
  template <typename Promise>
  std::shared_ptr<Promise> promised(Promises<Promise>& promises, const std::string& id)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::shared_ptr<Promise>& promise = promises[id];
    if (promise == nullptr) promise = std::make_shared<Promise>();
    return promise;
  }

  /** Takes the promise for a container out; null if there is none. */
  template <typename Promise>
  std::shared_ptr<Promise> taken(Promises<Promise>& promises, const std::string& id)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = promises.find(id);
    if (found == promises.end()) return nullptr;
    const std::shared_ptr<Promise> promise = found->second;
    promises.erase(found);
    return promise;
  }

  /** The promise for a container, left where it is; null if there is none. */
  std::shared_ptr<Watch> watchOf(const std::string& id)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = watches_.find(id);
    return found == watches_.end() ? nullptr : found->second;
  }

  /** Called by the library, on a thread of its own or inside of a call. */
  static void told(void* context, apportion_notice notice, apportion_bytes container, apportion_bytes message) noexcept
  {
    guarded(
        "isolator.told",
        [&]() {
          IsolatorShim* shim = static_cast<IsolatorShim*>(context);
          const std::string id = apportion::text(container), said = apportion::text(message);
          if (notice == APPORTION_LIMITED) {
            shim->limited(id, said);
          } else {
            shim->cleanedUp(id, said);
          }
          return true;
        },
        [](const std::string& text) {
          APPORTION_LOG(google::GLOG_ERROR, text);
          return false;
        });
  }

  void limited(const std::string& id, const std::string& text)
  {
    const std::shared_ptr<Watch> watch = watchOf(id);
    if (watch == nullptr) return;
    ContainerLimitation limitation;
    if (limitation.ParseFromArray(text.data(), static_cast<int>(text.size()))) {
      watch->set(limitation);
    } else {
      watch->fail("the library's limitation is not a message");
    }
  }

  void cleanedUp(const std::string& id, const std::string& reason)
  {
    const std::shared_ptr<Cleanup> cleanup = taken(cleanups_, id);
    if (cleanup == nullptr) return;
    if (reason.empty()) {
      cleanup->set(Nothing());
    } else {
      cleanup->fail(reason);
    }
  }

  std::mutex mutex_;
  Promises<Watch> watches_;
  Promises<Cleanup> cleanups_;
  std::unique_ptr<Library> library_;
  ModuleMetrics metrics_;
  std::unique_ptr<Endpoint> endpoint_;
};

} // namespace {
} // namespace apportion {

extern "C" void* apportion_make_isolator(const void* parameters, const apportion_entries* entries)
{
  mesos::slave::Isolator* isolator =
      apportion::make<apportion::IsolatorShim>(APPORTION_ISOLATOR, "org_apportion_Isolator", parameters, entries);
  return isolator;
}
