// The ten methods of the isolator, the last part from several threads.
#include <unistd.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <thread>

#include <mesos/hook.hpp>
#include <mesos/slave/isolator.hpp>

#include "driver.hpp"

namespace driver {
namespace {

typedef google::protobuf::Map<std::string, mesos::Value_Scalar> ScalarMap;

/**
 * A map of scalars, as the host passes it. Map has no exported constructor: the one inside a TaskInfo is borrowed,
 * 48 bytes behind the beginning of its map field.
 */
class Limits
{
public:
  Limits() : task_(parse<mesos::TaskInfo>(field(15, field(1, "cpus") + field(2, real(1, 2.5))))) {}

  const ScalarMap& get() const
  {
    return *reinterpret_cast<const ScalarMap*>(reinterpret_cast<const char*>(&task_) + 48 + 48);
  }

private:
  mesos::TaskInfo task_;
};

const char* const PAGE = "/apportion/containers";

bool contains(const std::string& text, const std::string& part)
{
  return text.find(part) != std::string::npos;
}

std::string configBytes()
{
  const std::string executor = field(1, field(1, "executor-1")) + field(7, field(3, "run")) + field(8, field(1, "f"));
  return field(3, "/sandbox") + field(4, "nobody") + field(8, executor) + field(11, field(3, "run"));
}

template <typename T>
void expectPanic(const process::Future<T>& future, const std::string& entry)
{
  HOLDS(future.isFailed());
  HOLDS(future.failure().find(entry) != std::string::npos && future.failure().find("drill") != std::string::npos);
}

/** One container's life. */
void live(mesos::slave::Isolator& isolator, const mesos::ContainerID& container)
{
  const auto config = parse<mesos::slave::ContainerConfig>(configBytes());
  const auto prepared = isolator.prepare(container, config);
  HOLDS(prepared.isReady() && prepared.get().isSome());
  HOLDS(bytes(prepared.get().get()).find(container.value()) != std::string::npos);
  HOLDS(isolator.prepare(container, config).isFailed());
  HOLDS(isolator.isolate(container, getpid()).isReady());
  HOLDS(metrics().at("apportion/isolator/containers") >= 1);
  const std::string page = httpGet(PAGE);
  HOLDS(contains(page, "200 OK") && contains(page, "application/json"));
  HOLDS(contains(page, "{\"id\":\"" + container.value() + "\",\"parent\":null,\"pid\":" + std::to_string(getpid())));
  const auto watched = isolator.watch(container);
  HOLDS(watched.isPending());
  const Limits limits;
  HOLDS(isolator.update(container, mesos::Resources::parse("cpus:1;mem:64").get(), limits.get()).isReady());
  const auto usage = isolator.usage(container);
  HOLDS(usage.isReady() && !bytes(usage.get()).empty());
  // cpus_limit, field 4, is the limit of the last update.
  HOLDS(bytes(usage.get()).find(real(4, 2.5)) != std::string::npos);
  const auto status = isolator.status(container);
  HOLDS(status.isReady() && bytes(status.get()) == number(3, static_cast<uint64_t>(getpid())));
  HOLDS(isolator.cleanup(container).isReady());
  HOLDS(watched.isDiscarded());
  HOLDS(isolator.cleanup(container).isReady());
  HOLDS(isolator.status(container).isFailed());
}

void recoverOne(mesos::slave::Isolator& isolator)
{
  const std::string state =
      field(2, field(1, "old")) + number(3, static_cast<uint64_t>(getpid())) + field(4, "/sandbox");
  const std::vector<mesos::slave::ContainerState> states{parse<mesos::slave::ContainerState>(state)};
  hashset<mesos::ContainerID> orphans;
  orphans.insert(id<mesos::ContainerID>("orphan"));
  HOLDS(isolator.recover(states, orphans).isReady());
  HOLDS(isolator.status(id<mesos::ContainerID>("old")).isReady());
  HOLDS(isolator.cleanup(id<mesos::ContainerID>("orphan")).isReady());
}

/** A hook that comes and goes, as its pages do, leaves those of an isolator with the same actor alone. */
void besideHook(const Library& library, const std::string& parameters)
{
  HOLDS(contains(httpGet(PAGE), "200 OK"));
  for (int i = 0; i < 2; ++i) {
    const std::unique_ptr<mesos::Hook> hook(library.make<mesos::Hook>("org_apportion_Hook", parameters));
    HOLDS(contains(httpGet("/apportion/hooks"), "200 OK") && contains(httpGet(PAGE), "200 OK"));
  }
  HOLDS(contains(httpGet("/apportion/hooks"), "404 Not Found") && contains(httpGet(PAGE), "200 OK"));
}

} // namespace {

void driveIsolator(const Library& library, const std::string& parameters, const std::string& entry)
{
  const std::unique_ptr<mesos::slave::Isolator> isolator(
      library.make<mesos::slave::Isolator>("org_apportion_Isolator", parameters));
  // Without somebody to tell there is no isolator.
  if (entry == "isolator.listen") {
    HOLDS(isolator == nullptr);
    return;
  }
  HOLDS(isolator != nullptr);
  const auto container = id<mesos::ContainerID>("container-1");
  const auto config = parse<mesos::slave::ContainerConfig>(configBytes());
  const Limits limits;

  if (!entry.empty()) {
    const std::map<std::string, std::function<void()>> calls = {
        {"isolator.supports_nesting", [&] { HOLDS(!isolator->supportsNesting()); }},
        {"isolator.supports_standalone", [&] { HOLDS(!isolator->supportsStandalone()); }},
        {"isolator.metrics", [&] { HOLDS(metrics().count("apportion/isolator/containers") == 0); }},
        {"isolator.metric", [&] { HOLDS(metrics().count("apportion/isolator/containers") == 0); }},
        {"isolator.report",
         [&] {
           const std::string page = httpGet(PAGE);
           HOLDS(contains(page, "500 Internal Server Error") && contains(page, entry) && contains(page, "drill"));
         }},
        {"isolator.recover", [&] { expectPanic(isolator->recover({}, {}), entry); }},
        {"isolator.prepare", [&] { expectPanic(isolator->prepare(container, config), entry); }},
        {"isolator.isolate", [&] { expectPanic(isolator->isolate(container, getpid()), entry); }},
        {"isolator.watch", [&] { expectPanic(isolator->watch(container), entry); }},
        {"isolator.update",
         [&] { expectPanic(isolator->update(container, mesos::Resources(), limits.get()), entry); }},
        {"isolator.usage", [&] { expectPanic(isolator->usage(container), entry); }},
        {"isolator.status", [&] { expectPanic(isolator->status(container), entry); }},
        {"isolator.cleanup", [&] { expectPanic(isolator->cleanup(container), entry); }},
    };
    HOLDS(calls.count(entry) == 1);
    if (entry != "isolator.prepare") HOLDS(isolator->prepare(container, config).isReady());
    calls.at(entry)();
    // The others go on.
    const auto other = id<mesos::ContainerID>("other");
    if (entry != "isolator.prepare") HOLDS(isolator->prepare(other, config).isReady());
    if (entry != "isolator.cleanup") HOLDS(isolator->cleanup(container).isReady());
    return;
  }

  HOLDS(isolator->supportsNesting());
  HOLDS(isolator->supportsStandalone());
  recoverOne(*isolator);
  live(*isolator, container);
  const auto nested = parse<mesos::ContainerID>(field(1, "inner") + field(2, field(1, "nowhere")));
  HOLDS(isolator->prepare(nested, config).isFailed());

  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread]() {
      for (int i = 0; i < 20; ++i) {
        const std::string name = "thread-" + std::to_string(thread) + "-" + std::to_string(i);
        const auto own = id<mesos::ContainerID>(name);
        if (!isolator->prepare(own, config).isReady()) fail(__FILE__, __LINE__, "prepare " + name);
        if (!isolator->watch(own).isPending()) fail(__FILE__, __LINE__, "watch " + name);
        if (!isolator->cleanup(own).isReady()) fail(__FILE__, __LINE__, "cleanup " + name);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  besideHook(library, parameters);
}

} // namespace driver {
