#include "debug_endpoint.hpp"

#include <mutex>

#include <process/dispatch.hpp>

#include "guard.hpp"

namespace apportion {
namespace {

using process::http::InternalServerError;
using process::http::Response;
using process::http::authentication::Principal;

// Number of the action VIEW_FRAMEWORK.
const uint64_t VIEW_FRAMEWORK = 13;

std::string varint(uint64_t number)
{
  std::string bytes;
  for (; number >= 128; number >>= 7) bytes += static_cast<char>(number | 128);
  return bytes + static_cast<char>(number);
}

/** A field of a message in wire format: text or a message. */
std::string field(unsigned number, const std::string& content)
{
  return varint(number << 3 | 2) + varint(content.size()) + content;
}

/** A request whether somebody may view a framework: subject, action, and the framework as the object. */
mesos::authorization::Request request(const Option<Principal>& principal, const std::string& frameworkInfo)
{
  std::string bytes;
  if (principal.isSome()) {
    std::string subject, labels;
    if (principal.get().value.isSome()) subject += field(1, principal.get().value.get());
    for (const auto& claim : principal.get().claims) {
      labels += field(1, field(1, claim.first) + field(2, claim.second));
    }
    if (!labels.empty()) subject += field(2, labels);
    bytes += field(1, subject);
  }
  bytes += varint(2 << 3) + varint(VIEW_FRAMEWORK) + field(3, field(2, frameworkInfo));
  mesos::authorization::Request made;
  made.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return made;
}

} // namespace {

/** The authorizer's answers about all frameworks, as they come in on any thread; the last one completes the request. */
class DebugEndpoint::Pending : public std::enable_shared_from_this<DebugEndpoint::Pending>
{
public:
  Pending(std::shared_ptr<DebugEndpoint> endpoint, size_t expected)
    : endpoint_(std::move(endpoint)), expected_(expected)
  {}
  ~Pending() { promise_.set(InternalServerError("The allocator is gone")); }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  process::Future<Response> future() const { return promise_.future(); }

  /** The answer about one framework. */
  void take(const std::string& framework, const process::Future<bool>& mayView)
  {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      --expected_;
      if (!mayView.isReady()) {
        problem_ = mayView.isFailed() ? mayView.failure() : std::string("discarded");
      } else if (mayView.get()) {
        shown_.push_back(framework);
      }
      if (expected_ > 0) return;
    }
    completeIn(shared_from_this());
  }

  /** Queues the answer; when the actor is gone, the last owner of this says so. */
  static void completeIn(const std::shared_ptr<Pending>& pending)
  {
    process::dispatch(pending->endpoint_->actor_, [pending]() { pending->complete(); });
  }

private:
  void complete()
  {
    if (!problem_.empty()) {
      APPORTION_LOG(google::GLOG_WARNING, "apportion: cannot authorize VIEW_FRAMEWORK: " + problem_);
      promise_.set(InternalServerError("Failed to authorize VIEW_FRAMEWORK: " + problem_));
    } else {
      promise_.set(endpoint_->show(shown_));
    }
  }

  const std::shared_ptr<DebugEndpoint> endpoint_;
  process::Promise<Response> promise_;
  std::mutex mutex_;
  size_t expected_;
  std::vector<std::string> shown_;
  std::string problem_;
};

DebugEndpoint::DebugEndpoint(
    const process::UPID& actor,
    const Option<mesos::Authorizer*>& authorizer,
    const Frameworks& frameworks,
    const Json& json)
  : actor_(actor), authorizer_(authorizer), frameworks_(frameworks), json_(json)
{}

process::Future<Response> DebugEndpoint::answer(const Option<Principal>& principal)
{
  return guarded(
      "offer_constraints_debug",
      [&]() -> process::Future<Response> {
        return authorizer_.isSome() ? askAuthorizer(principal) : process::Future<Response>(show(None()));
      },
      [](const std::string& text) { return process::Future<Response>(InternalServerError(text)); });
}

process::Future<Response> DebugEndpoint::askAuthorizer(const Option<Principal>& principal)
{
  const std::vector<std::pair<std::string, std::string>> frameworks = frameworks_();
  auto pending = std::make_shared<Pending>(shared_from_this(), frameworks.size());
  if (frameworks.empty()) Pending::completeIn(pending);
  for (const auto& framework : frameworks) {
    authorizer_.get()
        ->authorized(request(principal, framework.second))
        .onAny([pending, id = framework.first](const process::Future<bool>& mayView) { pending->take(id, mayView); });
  }
  return pending->future();
}

Response DebugEndpoint::show(const Option<std::vector<std::string>>& frameworks) const
{
  std::string json;
  const std::string refused = json_(frameworks, json);
  if (!refused.empty()) {
    APPORTION_LOG(google::GLOG_ERROR, "apportion: " + refused);
    return InternalServerError(refused);
  }
  return process::http::OK(json, "application/json");
}

std::string DebugEndpoint::help()
{
  return "### TL;DR; ###\n"
         "Shows which agents offer constraints exclude, and which roles are suppressed.\n\n"
         "### DESCRIPTION ###\n"
         "For each framework: the roles in which it has suppressed offers, and for each role that it is subscribed to "
         "the agents that its offer constraints exclude.\n\n"
         "### AUTHENTICATION ###\n"
         "This endpoint requires authentication iff HTTP authentication is enabled.\n\n"
         "### AUTHORIZATION ###\n"
         "Frameworks that the principal may not view (VIEW_FRAMEWORK) are left out.\n";
}

} // namespace apportion {
