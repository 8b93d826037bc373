#include "hook_endpoint.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include <process/authenticator.hpp>
#include <process/future.hpp>
#include <process/http.hpp>
#include <process/process.hpp>

#include "guard.hpp"
#include "views.hpp"

namespace apportion {
namespace {

using process::http::Conflict;
using process::http::InternalServerError;
using process::http::MethodNotAllowed;
using process::http::OK;
using process::http::Request;
using process::http::Response;
using process::http::authentication::Principal;

/** Unique in the process: a second actor of the same name would not start. */
std::string actorId()
{
  static std::atomic<int> made{0};
  const int number = ++made;
  return number == 1 ? "apportion" : "apportion(" + std::to_string(number) + ")";
}

const char* const REPORT_HELP =
    "### TL;DR; ###\n"
    "Shows what the rules of the hook did.\n\n"
    "### DESCRIPTION ###\n"
    "Returns 200 OK with the rules in force and what came of them so far, as a JSON object.\n\n"
    "### AUTHENTICATION ###\n"
    "This endpoint requires authentication iff HTTP authentication is enabled.\n\n"
    "### AUTHORIZATION ###\n"
    "None: whoever is authenticated may see it.\n";

const char* const RELOAD_HELP =
    "### TL;DR; ###\n"
    "Reads the rules of the hook again.\n\n"
    "### DESCRIPTION ###\n"
    "Takes a POST request without a body.\n\n"
    "Returns 200 OK with a JSON object when the new rules are in force.\n\n"
    "Returns 409 CONFLICT with the reason as text when the configuration cannot be read or has mistakes: the rules stay "
    "as they were.\n\n"
    "### AUTHENTICATION ###\n"
    "This endpoint requires authentication iff HTTP authentication is enabled.\n\n"
    "### AUTHORIZATION ###\n"
    "None: whoever is authenticated may do it.\n";

Response fault(const std::string& text)
{
  APPORTION_LOG(google::GLOG_ERROR, "apportion: " + text);
  return InternalServerError(text);
}

} // namespace {

/** Answers requests that the host has authenticated. */
class HookEndpoint::Actor : public process::ProcessBase
{
public:
  /** `side` is "master" or "agent". */
  Actor(const Library& library, const std::string& side)
    : process::ProcessBase(actorId()), library_(library), realm_("mesos-" + side)
  {}

protected:
  void initialize() override
  {
    publish("/hooks", "-readonly", REPORT_HELP, [this](const Request& request) { return report(request); });
    publish("/hooks/reload", "-readwrite", RELOAD_HELP, [this](const Request& request) { return reload(request); });
  }

private:
  /** Lets in whom "mesos-master-readonly" or another of the four such realms does. */
  template <typename Handler>
  void publish(const char* path, const char* realm, const char* help, Handler&& handler)
  {
    route(
        path,
        realm_ + realm,
        std::string(help),
        [path, handler](const Request& request, const Option<Principal>&) -> process::Future<Response> {
          return guarded(path, [&]() { return handler(request); }, fault);
        });
  }

  Response report(const Request& request)
  {
    if (request.method != "GET") return MethodNotAllowed({"GET"}, request.method);
    Buffer out(library_.entries);
    const apportion_status status = library_.entries.hook_report(library_.handle, out.out());
    if (status != APPORTION_DONE) return fault(out.text());
    return OK(out.text(), "application/json");
  }

  Response reload(const Request& request)
  {
    if (request.method != "POST") return MethodNotAllowed({"POST"}, request.method);
    Buffer out(library_.entries);
    const apportion_status status = library_.entries.hook_reload(library_.handle, out.out());
    if (status == APPORTION_DONE) return OK(out.text(), "application/json");
    if (status != APPORTION_FAILED) return fault(out.text());
    APPORTION_LOG(google::GLOG_WARNING, "apportion: the rules of the hook stay as they were: " + out.text());
    return Conflict(out.text());
  }

  const Library& library_;
  const std::string realm_;
};

HookEndpoint::HookEndpoint(const Library& library)
{
  Buffer side(library.entries);
  const apportion_status status = library.entries.hook_endpoint(library.handle, side.out());
  if (status == APPORTION_UNCHANGED) return;
  if (status != APPORTION_DONE || (side.text() != "master" && side.text() != "agent")) {
    APPORTION_LOG(google::GLOG_ERROR, "apportion: the hook has no HTTP endpoint: " + side.text());
    return;
  }
  auto actor = std::make_unique<Actor>(library, side.text());
  const process::UPID started = process::spawn(actor.get());
  const std::string& id = started.id;
  if (id.empty()) {
    const std::string& wanted = actor->self().id;
    APPORTION_LOG(google::GLOG_ERROR, "apportion: the hook has no HTTP endpoint: there is an actor " + wanted);
    return;
  }
  actor_ = std::move(actor);
}

HookEndpoint::~HookEndpoint()
{
  if (actor_ == nullptr) return;
  process::terminate(actor_->self());
  process::wait(actor_->self());
}

} // namespace apportion {
