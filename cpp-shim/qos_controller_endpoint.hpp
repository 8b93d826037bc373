// The QoS controller's page in an agent's HTTP server.
#ifndef APPORTION_SHIM_QOS_CONTROLLER_ENDPOINT_HPP
#define APPORTION_SHIM_QOS_CONTROLLER_ENDPOINT_HPP

#include <memory>

#include "endpoint.hpp"
#include "factory.hpp"

namespace apportion {

/**
 * Serves `/apportion/evictions`, an agent's page as the isolator's is: only agents make QoS controllers.
 *
 * `library` must outlive the result.
 */
std::unique_ptr<Endpoint> qosControllerEndpoint(const Library& library);

} // namespace apportion {

#endif
