// The HTTP endpoint of the hook: what its rules did, and the order to read them again.
#ifndef APPORTION_SHIM_HOOK_ENDPOINT_HPP
#define APPORTION_SHIM_HOOK_ENDPOINT_HPP

#include <memory>

#include "factory.hpp"

namespace apportion {

/**
 * Serves `/apportion/hooks` and `/apportion/hooks/reload`, if the library asks for it; a second hook of the process below
 * `/apportion(2)`. An actor of its own answers, so that the host's calls of the hook never wait for a request, nor for
 * the files that a reload reads.
 *
 * Both paths are behind the host's own authentication. The host looks for an authenticator by the name of the realm and
 * by nothing else: when there is none, because HTTP authentication is switched off or because this process has no such
 * realm, it calls the handler for everybody. So the realms are those of the host's own endpoints, which are open or
 * guarded together with these two, and where it is not known whether this is a master or an agent there is no endpoint.
 */
class HookEndpoint
{
public:
  /** `library` must outlive this. */
  explicit HookEndpoint(const Library& library);
  /** Waits for the end of the request that is being answered. */
  ~HookEndpoint();
  HookEndpoint(const HookEndpoint&) = delete;
  HookEndpoint& operator=(const HookEndpoint&) = delete;

private:
  class Actor;

  std::unique_ptr<Actor> actor_;
};

} // namespace apportion {

#endif
