// The shim by itself, over a table of functions that answers what the test wants: what the library never says today, or
// must never say.
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <utility>

#include <mesos/allocator/allocator.hpp>
#include <mesos/hook.hpp>
#include <mesos/slave/isolator.hpp>
#include <mesos/slave/qos_controller.hpp>
#include <process/process.hpp>

#include "apportion_abi.h"
#include "driver.hpp"

namespace driver {
namespace {

/** What the next call answers, and how many buffers are out. */
struct Next
{
  int status = APPORTION_UNCHANGED;
  std::string bytes;
  // The QoS controller asks in an actor of its own.
  std::atomic<int> lent{0};
};

Next& next()
{
  static Next value;
  return value;
}

apportion_status answer(apportion_buffer* out)
{
  const std::string& bytes = next().bytes;
  out->data = static_cast<uint8_t*>(std::malloc(bytes.size() + 1));
  std::memcpy(out->data, bytes.data(), bytes.size());
  out->size = bytes.size();
  out->capacity = bytes.size() + 1;
  ++next().lent;
  return static_cast<apportion_status>(next().status);
}

// Every byte lent to the table is read, so that a memory checker sees what no longer lives.
volatile uint8_t readBytes;

void look(const apportion_bytes& bytes)
{
  for (size_t i = 0; i < bytes.size; ++i) readBytes = bytes.data[i];
}

void look(const apportion_bytes_list& list)
{
  for (size_t i = 0; i < list.size; ++i) look(list.data[i]);
}

void look(const apportion_holdings& holdings)
{
  for (size_t i = 0; i < holdings.size; ++i) {
    look(holdings.data[i].name);
    look(holdings.data[i].resources);
  }
}

void look(const apportion_exclusions& exclusions)
{
  for (size_t i = 0; i < exclusions.size; ++i) {
    look(exclusions.data[i].role);
    look(exclusions.data[i].agents);
  }
}

void look(const apportion_excluded_from_list& list)
{
  for (size_t i = 0; i < list.size; ++i) {
    look(list.data[i].framework);
    look(list.data[i].role);
  }
}

void look(const apportion_quantities& quantities)
{
  for (size_t i = 0; i < quantities.size; ++i) look(quantities.data[i].name);
}

void look(const apportion_quota& quota)
{
  look(quota.role);
  look(quota.guarantees);
  look(quota.limits);
}

void look(const apportion_quotas& quotas)
{
  for (size_t i = 0; i < quotas.size; ++i) look(quotas.data[i]);
}

void look(const apportion_conversions& conversions)
{
  for (size_t i = 0; i < conversions.size; ++i) {
    look(conversions.data[i].consumed);
    look(conversions.data[i].converted);
  }
}

void look(const apportion_options& options)
{
  look(options.fairness_excluded_resources);
  for (size_t i = 0; i < options.minimum_allocatable_size; ++i) look(options.minimum_allocatable[i]);
}

template <typename T>
void look(const T* optional)
{
  if (optional != nullptr) look(*optional);
}

void look(uint8_t) {}
void look(int64_t) {}
void look(const apportion_handle*) {}
void look(const apportion_effects*) {}
void look(const apportion_buffer*) {}

/** A function of the allocator that reads its arguments and does nothing. */
template <typename... Arguments>
void readAndDo(apportion_status (*&function)(Arguments...))
{
  function = [](Arguments... arguments) {
    (look(arguments), ...);
    return APPORTION_DONE;
  };
}

void fillAllocator(apportion_entries& made)
{
  readAndDo(made.allocator_publish_metrics);
  readAndDo(made.allocator_initialize);
  readAndDo(made.allocator_recover);
  readAndDo(made.allocator_add_framework);
  readAndDo(made.allocator_remove_framework);
  readAndDo(made.allocator_activate_framework);
  readAndDo(made.allocator_deactivate_framework);
  readAndDo(made.allocator_update_framework);
  readAndDo(made.allocator_add_slave);
  readAndDo(made.allocator_remove_slave);
  readAndDo(made.allocator_update_slave);
  readAndDo(made.allocator_add_resource_provider);
  readAndDo(made.allocator_activate_slave);
  readAndDo(made.allocator_deactivate_slave);
  readAndDo(made.allocator_update_whitelist);
  readAndDo(made.allocator_request_resources);
  readAndDo(made.allocator_update_allocation);
  readAndDo(made.allocator_update_available);
  readAndDo(made.allocator_update_unavailability);
  readAndDo(made.allocator_update_inverse_offer);
  readAndDo(made.allocator_get_inverse_offer_statuses);
  readAndDo(made.allocator_transition_offered_to_allocated);
  readAndDo(made.allocator_recover_resources);
  readAndDo(made.allocator_suppress_offers);
  readAndDo(made.allocator_revive_offers);
  readAndDo(made.allocator_update_quota);
  readAndDo(made.allocator_update_weights);
  readAndDo(made.allocator_pause);
  readAndDo(made.allocator_resume);
  readAndDo(made.allocator_tick);
  readAndDo(made.allocator_cycle);
  readAndDo(made.allocator_keeps_commits);
  readAndDo(made.allocator_commit_add_slave);
  readAndDo(made.allocator_commit_remove_slave);
  readAndDo(made.allocator_commit_update_slave);
  readAndDo(made.allocator_commit_transition);
  readAndDo(made.allocator_commit_recover);
  readAndDo(made.allocator_commit_remove_framework);
  made.allocator_read_metrics =
      [](apportion_handle*, uint64_t, const uint32_t* slots, size_t size, double* values, apportion_buffer* out) {
        for (size_t i = 0; i < size; ++i) values[i] = slots[i];
        return answer(out);
      };
  made.allocator_offer_constraints_debug =
      [](apportion_handle*, const apportion_bytes_list* frameworks, apportion_buffer* out) {
        look(frameworks);
        return answer(out);
      };
  made.allocator_lending_report = [](apportion_handle*, int64_t, apportion_buffer* out) { return answer(out); };
}

typedef void (*Told)(void*, apportion_notice, apportion_bytes, apportion_bytes);

/** Whom the isolator tells. */
std::pair<void*, Told>& listening()
{
  static std::pair<void*, Told> listener;
  return listener;
}

typedef void (*Woken)(void*);

/** Whom the QoS controller is woken by, and how often it looked. */
struct Sleeping
{
  void* context = nullptr;
  Woken woken = nullptr;
  std::atomic<int> looks{0};
};

Sleeping& sleeping()
{
  static Sleeping sleeper;
  return sleeper;
}

/** A table whose functions all give the next answer. */
const apportion_entries& table()
{
  static const apportion_entries entries = [] {
    apportion_entries made = {};
    made.size = sizeof made;
    made.create = [](apportion_module, apportion_bytes, apportion_handle** handle, apportion_buffer*) {
      static int some;
      *handle = reinterpret_cast<apportion_handle*>(&some);
      return APPORTION_DONE;
    };
    made.destroy = [](apportion_module, apportion_handle*) {};
    made.release = [](apportion_buffer* buffer) {
      if (buffer->data == nullptr) return;
      std::free(buffer->data);
      *buffer = {nullptr, 0, 0};
      --next().lent;
    };
    made.hook_slave_resources_decorator = [](apportion_handle*, apportion_bytes agent, apportion_buffer* out) {
      look(agent);
      return answer(out);
    };
    made.hook_slave_attributes_decorator = made.hook_slave_resources_decorator;
    made.hook_master_slave_lost_hook = made.hook_slave_resources_decorator;
    made.hook_master_launch_task_resource_decorator =
        [](apportion_handle*, apportion_bytes task, apportion_bytes_list resources, apportion_buffer* out) {
          look(task);
          look(resources);
          return answer(out);
        };
    made.hook_slave_task_status_decorator =
        [](apportion_handle*, apportion_bytes id, apportion_bytes message, apportion_buffer* out) {
          look(id);
          look(message);
          return answer(out);
        };
    made.hook_endpoint = [](apportion_handle*, apportion_buffer* out) { return answer(out); };
    made.hook_report = made.hook_endpoint;
    made.hook_reload = made.hook_endpoint;
    made.isolator_prepare = made.hook_slave_task_status_decorator;
    made.isolator_watch = made.hook_slave_resources_decorator;
    made.isolator_listen = [](apportion_handle*, void* context, Told told, apportion_buffer*) {
      listening() = {context, told};
      return APPORTION_DONE;
    };
    made.isolator_metrics = [](apportion_handle*, apportion_buffer*) { return APPORTION_UNCHANGED; };
    made.isolator_report = made.hook_endpoint;
    made.isolator_cleanup = made.hook_slave_resources_decorator;
    made.isolator_usage = [](apportion_handle*, apportion_bytes id, int64_t, apportion_buffer* out) {
      look(id);
      return answer(out);
    };
    made.isolator_supports_nesting = [](apportion_handle*, uint8_t* yes, apportion_buffer* out) {
      *yes = 1;
      return answer(out);
    };
    fillAllocator(made);
    made.qos_controller_listen = [](apportion_handle*, void* context, Woken woken, apportion_buffer*) {
      sleeping().context = context;
      sleeping().woken = woken;
      return APPORTION_DONE;
    };
    made.qos_controller_initialize = made.hook_endpoint;
    made.qos_controller_metrics = made.isolator_metrics;
    made.qos_controller_report = made.hook_endpoint;
    made.qos_controller_corrections =
        [](apportion_handle*, int64_t, apportion_bytes usage, int64_t* next, apportion_buffer* out) {
          look(usage);
          *next = 3600000000000;
          const apportion_status status = answer(out);
          ++sleeping().looks;
          return status;
        };
    return made;
  }();
  return entries;
}

void say(int status, const std::string& bytes)
{
  next().status = status;
  next().bytes = bytes;
}

// A status that no version of the library knows.
const int UNKNOWN = 77;

void hookAnswers(mesos::Hook& hook)
{
  const mesos::SlaveInfo agent;
  say(APPORTION_DONE, field(3, resource("cpus", 3)) + field(3, resource("mem", 64)));
  const Result<mesos::Resources> resources = hook.slaveResourcesDecorator(agent);
  HOLDS(resources.isSome() && resources.get() == mesos::Resources::parse("cpus:3;mem:64").get());

  const std::string rack = field(1, "rack") + number(2, 3) + field(5, field(1, "r1"));
  say(APPORTION_DONE, field(5, rack) + field(5, rack));
  const Result<mesos::Attributes> attributes = hook.slaveAttributesDecorator(agent);
  HOLDS(attributes.isSome() && attributes.get().size() == 2);

  say(APPORTION_DONE, field(4, resource("cpus", 2, "prod")));
  const mesos::Resources whole = mesos::Resources::parse("cpus:8;mem:64").get();
  const Result<mesos::Resources> task = hook.masterLaunchTaskResourceDecorator(mesos::TaskInfo(), whole);
  HOLDS(task.isSome() && task.get().size() == 1);

  const std::string status = field(1, field(1, "task-1")) + number(2, 2);
  say(APPORTION_DONE, status);
  const Result<mesos::TaskStatus> changed =
      hook.slaveTaskStatusDecorator(id<mesos::FrameworkID>("f"), mesos::TaskStatus());
  HOLDS(changed.isSome() && bytes(changed.get()) == status);

  say(APPORTION_DONE, "\xff\xff");
  HOLDS(hook.slaveResourcesDecorator(agent).isError());
  say(APPORTION_FAILED, "out of order");
  HOLDS(hook.slaveResourcesDecorator(agent).isError());
  HOLDS(hook.slaveResourcesDecorator(agent).error() == "out of order");
  say(UNKNOWN, "what is this");
  HOLDS(hook.slaveAttributesDecorator(agent).isError() && hook.masterSlaveLostHook(agent).isError());
}

std::unique_ptr<mesos::Hook> makeHook(int status, const std::string& side)
{
  const mesos::Parameters none;
  say(status, side);
  std::unique_ptr<mesos::Hook> hook(static_cast<mesos::Hook*>(apportion_make_hook(&none, &table())));
  HOLDS(hook != nullptr);
  return hook;
}

/** Whether an answer of the web server has this status line and holds these words. */
bool is(const std::string& answer, const std::string& status, const std::string& words)
{
  return answer.find("HTTP/1.1 " + status + "\r\n") == 0 && answer.find(words) != std::string::npos;
}

const char* const REPORT = "/apportion/hooks";
const char* const RELOAD = "/apportion/hooks/reload";

/** A hook whose endpoint cannot be, or is not wanted, is a hook all the same. */
void hooksWithoutEndpoint()
{
  struct Taken : process::ProcessBase
  {
    Taken() : process::ProcessBase("apportion") {}
  };
  Taken taken;
  process::spawn(&taken);
  for (const char* side : {"neither", "", "master"}) {
    const std::unique_ptr<mesos::Hook> hook = makeHook(APPORTION_DONE, side);
    say(APPORTION_UNCHANGED, "");
    HOLDS(hook->slaveResourcesDecorator(mesos::SlaveInfo()).isNone());
    HOLDS(is(httpGet("/apportion/hooks"), "404 Not Found", ""));
  }
  process::terminate(taken.self());
  process::wait(taken.self());
  for (const int status : {int{APPORTION_UNCHANGED}, int{APPORTION_FAILED}, UNKNOWN}) {
    const std::unique_ptr<mesos::Hook> hook = makeHook(status, "master");
    HOLDS(is(httpGet(REPORT), "404 Not Found", ""));
  }
}

void hookEndpoint()
{
  hooksWithoutEndpoint();
  std::unique_ptr<mesos::Hook> hook = makeHook(APPORTION_DONE, "agent");
  say(APPORTION_DONE, "{\"some\":1}");
  HOLDS(is(httpGet(REPORT), "200 OK", "Content-Type: application/json\r\n"));
  HOLDS(is(httpGet(REPORT), "200 OK", "\r\n\r\n{\"some\":1}"));
  HOLDS(is(http("POST", RELOAD), "200 OK", "\r\n\r\n{\"some\":1}"));
  for (const char* method : {"POST", "PUT", "DELETE"}) {
    HOLDS(is(http(method, REPORT), "405 Method Not Allowed", "\r\nAllow: GET\r\n"));
  }
  for (const char* method : {"GET", "PUT", "DELETE"}) {
    HOLDS(is(http(method, RELOAD), "405 Method Not Allowed", "\r\nAllow: POST\r\n"));
  }
  HOLDS(next().lent == 0);

  say(APPORTION_FAILED, "two mistakes:\n  one\n  another");
  HOLDS(is(httpGet(REPORT), "500 Internal Server Error", "two mistakes:\n  one\n  another"));
  HOLDS(is(http("POST", RELOAD), "409 Conflict", "Content-Type: text/plain"));
  HOLDS(is(http("POST", RELOAD), "409 Conflict", "\r\n\r\ntwo mistakes:\n  one\n  another"));
  for (const int status : {int{APPORTION_UNCHANGED}, UNKNOWN}) {
    say(status, "what is this");
    HOLDS(is(httpGet(REPORT), "500 Internal Server Error", "what is this"));
    HOLDS(is(http("POST", RELOAD), "500 Internal Server Error", "what is this"));
  }
  hook.reset();
  HOLDS(is(httpGet(REPORT), "404 Not Found", "") && is(http("POST", RELOAD), "404 Not Found", ""));
}

apportion_bytes lent(const std::string& text)
{
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/** What the library tells by itself. */
void tell(apportion_notice notice, const mesos::ContainerID& container, const std::string& message)
{
  const std::string name = bytes(container);
  listening().second(listening().first, notice, lent(name), lent(message));
}

/** A limit that is broken ends a watch, and a cleanup may end later; neither twice, nor for anybody else. */
void isolatorTells(mesos::slave::Isolator& isolator)
{
  const auto container = id<mesos::ContainerID>("c"), other = id<mesos::ContainerID>("other");
  say(APPORTION_DONE, "");
  const auto watched = isolator.watch(container), untouched = isolator.watch(other);
  HOLDS(watched.isPending());
  const std::string limitation = field(2, "out of memory") + number(3, 8);
  tell(APPORTION_LIMITED, id<mesos::ContainerID>("nobody"), limitation);
  tell(APPORTION_LIMITED, container, limitation);
  HOLDS(watched.isReady() && bytes(watched.get()) == limitation);
  tell(APPORTION_LIMITED, container, limitation);
  HOLDS(isolator.watch(container).isReady());
  HOLDS(untouched.isPending());
  tell(APPORTION_LIMITED, other, "\xff\xff");
  HOLDS(untouched.isFailed());

  say(APPORTION_PENDING, "");
  const auto ending = isolator.cleanup(container), stuck = isolator.cleanup(other);
  HOLDS(ending.isPending() && stuck.isPending());
  tell(APPORTION_CLEANED_UP, container, "");
  tell(APPORTION_CLEANED_UP, other, "a process does not end");
  HOLDS(ending.isReady() && stuck.isFailed() && stuck.failure() == "a process does not end");
  tell(APPORTION_CLEANED_UP, container, "");
  say(APPORTION_DONE, "");
  const auto ended = isolator.watch(container);
  HOLDS(isolator.cleanup(container).isReady() && ended.isDiscarded());
}

/** Wakes the controller with an answer for it, and waits until it has been given back. */
void wake(int status, const std::string& bytes)
{
  const int looks = sleeping().looks;
  say(status, bytes);
  sleeping().woken(sleeping().context);
  while (sleeping().looks == looks || next().lent != 0) usleep(1000);
}

void controllerAnswers(mesos::slave::QoSController& controller)
{
  const std::string correction = number(1, 1), framed = std::string("\x02\0\0\0", 4) + correction;
  say(APPORTION_DONE, "");
  HOLDS(controller.initialize([]() -> process::Future<mesos::ResourceUsage> { return mesos::ResourceUsage(); }).isSome());
  say(APPORTION_UNCHANGED, "");
  const auto corrections = controller.corrections();
  while (sleeping().looks == 0 || next().lent != 0) usleep(1000);
  wake(APPORTION_UNCHANGED, framed);
  wake(UNKNOWN, "what is this");
  wake(APPORTION_FAILED, "no");
  for (const std::string& broken : {framed + "\1", framed.substr(0, 5), std::string("\xff\xff\xff\xff", 4)}) {
    wake(APPORTION_DONE, broken);
  }
  wake(APPORTION_DONE, std::string("\x02\0\0\0\xff\xff", 6));
  HOLDS(corrections.isPending());
  wake(APPORTION_DONE, framed + framed);
  while (corrections.isPending()) usleep(1000);
  HOLDS(corrections.isReady() && corrections.get().size() == 2 && bytes(corrections.get().back()) == correction);
}

void isolatorAnswers(mesos::slave::Isolator& isolator)
{
  const auto container = id<mesos::ContainerID>("c");
  say(APPORTION_UNCHANGED, "");
  const auto prepared = isolator.prepare(container, mesos::slave::ContainerConfig());
  HOLDS(prepared.isReady() && prepared.get().isNone());
  say(APPORTION_DONE, "\xff\xff");
  HOLDS(isolator.prepare(container, mesos::slave::ContainerConfig()).isFailed());
  HOLDS(isolator.usage(container).isFailed());
  HOLDS(isolator.supportsNesting());
  say(UNKNOWN, "what is this");
  HOLDS(isolator.prepare(container, mesos::slave::ContainerConfig()).isFailed());
  HOLDS(isolator.watch(container).isFailed());
  HOLDS(!isolator.supportsNesting());
}

void isolatorEndpoint(std::unique_ptr<mesos::slave::Isolator> isolator)
{
  const char* const page = "/apportion/containers";
  say(APPORTION_DONE, "{\"some\":1}");
  HOLDS(is(httpGet(page), "200 OK", "\r\n\r\n{\"some\":1}"));
  for (const char* method : {"POST", "PUT", "DELETE"}) {
    HOLDS(is(http(method, page), "405 Method Not Allowed", "\r\nAllow: GET\r\n"));
  }
  for (const int status : {int{APPORTION_FAILED}, int{APPORTION_UNCHANGED}, UNKNOWN}) {
    say(status, "what is this");
    HOLDS(is(httpGet(page), "500 Internal Server Error", "what is this"));
  }
  isolator.reset();
  HOLDS(is(httpGet(page), "404 Not Found", ""));
}

/** The page passes the question on to the allocator's actor; when that is gone, so is the page. */
void lendingEndpoint(std::unique_ptr<mesos::allocator::Allocator> allocator)
{
  const char* const page = "/apportion/lending";
  say(APPORTION_DONE, "{\"some\":1}");
  HOLDS(is(httpGet(page), "200 OK", "Content-Type: application/json\r\n"));
  HOLDS(is(httpGet(page), "200 OK", "\r\n\r\n{\"some\":1}"));
  for (const char* method : {"POST", "PUT", "DELETE"}) {
    HOLDS(is(http(method, page), "405 Method Not Allowed", "\r\nAllow: GET\r\n"));
  }
  for (const int status : {int{APPORTION_FAILED}, UNKNOWN}) {
    say(status, "what is this");
    HOLDS(is(httpGet(page), "500 Internal Server Error", "what is this"));
  }
  say(APPORTION_UNCHANGED, "");
  HOLDS(is(httpGet(page), "404 Not Found", "nothing is lent"));
  allocator.reset();
  HOLDS(is(httpGet(page), "404 Not Found", ""));
}

} // namespace {

void driveShimAlone()
{
  const mesos::Parameters none;
  HOLDS(apportion_make_hook(&none, nullptr) == nullptr);
  HOLDS(apportion_make_hook(nullptr, &table()) == nullptr);
  apportion_entries older = table();
  older.size -= sizeof(void*);
  HOLDS(apportion_make_isolator(&none, &older) == nullptr);

  hookAnswers(*makeHook(APPORTION_UNCHANGED, ""));
  hookEndpoint();
  std::unique_ptr<mesos::slave::Isolator> isolator(
      static_cast<mesos::slave::Isolator*>(apportion_make_isolator(&none, &table())));
  HOLDS(isolator != nullptr);
  isolatorAnswers(*isolator);
  isolatorTells(*isolator);
  isolatorEndpoint(std::move(isolator));
  const std::unique_ptr<mesos::slave::QoSController> controller(
      static_cast<mesos::slave::QoSController*>(apportion_make_qos_controller(&none, &table())));
  HOLDS(controller != nullptr);
  controllerAnswers(*controller);
  lendingEndpoint(std::unique_ptr<mesos::allocator::Allocator>(
      static_cast<mesos::allocator::Allocator*>(apportion_make_allocator(&none, &table()))));
  HOLDS(next().lent == 0);
  callEverything(apportion_make_allocator(&none, &table()));
}

} // namespace driver {
