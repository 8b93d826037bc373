// The debug endpoint of the allocator's actor: what offer constraints and suppression keep from frameworks.
#ifndef APPORTION_SHIM_DEBUG_ENDPOINT_HPP
#define APPORTION_SHIM_DEBUG_ENDPOINT_HPP

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <mesos/authorizer/authorizer.hpp>
#include <process/authenticator.hpp>
#include <process/future.hpp>
#include <process/http.hpp>
#include <process/pid.hpp>
#include <stout/option.hpp>

namespace apportion {

/**
 * Answers requests that the host has authenticated. With an authorizer each framework is shown only to whom may view
 * it, as in the built-in allocator.
 */
class DebugEndpoint : public std::enable_shared_from_this<DebugEndpoint>
{
public:
  /** Ids of all frameworks with their serialised FrameworkInfo. */
  typedef std::function<std::vector<std::pair<std::string, std::string>>()> Frameworks;
  /** Writes the JSON text about some frameworks, or all; empty, or why it could not. */
  typedef std::function<std::string(const Option<std::vector<std::string>>&, std::string&)> Json;

  /** `frameworks` and `json` are called inside the actor only. */
  DebugEndpoint(
      const process::UPID& actor,
      const Option<mesos::Authorizer*>& authorizer,
      const Frameworks& frameworks,
      const Json& json);

  /** Answers a request; inside the actor. */
  process::Future<process::http::Response> answer(
      const Option<process::http::authentication::Principal>& principal);

  /** What the host's help page says. */
  static std::string help();

private:
  class Pending;

  process::http::Response show(const Option<std::vector<std::string>>& frameworks) const;
  process::Future<process::http::Response> askAuthorizer(
      const Option<process::http::authentication::Principal>& principal);

  const process::UPID actor_;
  const Option<mesos::Authorizer*> authorizer_;
  const Frameworks frameworks_;
  const Json json_;
};

} // namespace apportion {

#endif
