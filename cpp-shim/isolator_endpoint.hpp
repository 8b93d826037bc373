// The HTTP endpoint of the isolator: what is known of each container.
#ifndef APPORTION_SHIM_ISOLATOR_ENDPOINT_HPP
#define APPORTION_SHIM_ISOLATOR_ENDPOINT_HPP

#include <memory>

#include "endpoint.hpp"
#include "factory.hpp"

namespace apportion {

/**
 * Serves `/apportion/containers`. It is an agent's page in any process: only agents make isolators, and the agent that
 * made this one sets up its realms, also where a master runs beside it. No container is known before that.
 *
 * `library` must outlive the result.
 */
std::unique_ptr<Endpoint> isolatorEndpoint(const Library& library);

} // namespace apportion {

#endif
