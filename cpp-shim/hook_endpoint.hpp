// The HTTP endpoint of the hook: what its rules did, and the order to read them again.
#ifndef APPORTION_SHIM_HOOK_ENDPOINT_HPP
#define APPORTION_SHIM_HOOK_ENDPOINT_HPP

#include <memory>

#include "endpoint.hpp"
#include "factory.hpp"

namespace apportion {

/**
 * Serves `/apportion/hooks` and `/apportion/hooks/reload`, if the library asks for it; null if not, and where it is not
 * known whether this is a master or an agent. The files that a reload reads hold up no call of the hook.
 *
 * `library` must outlive the result.
 */
std::unique_ptr<Endpoint> hookEndpoint(const Library& library);

} // namespace apportion {

#endif
