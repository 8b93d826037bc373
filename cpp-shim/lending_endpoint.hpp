// The allocator's page about lending in a master's HTTP server.
#ifndef APPORTION_SHIM_LENDING_ENDPOINT_HPP
#define APPORTION_SHIM_LENDING_ENDPOINT_HPP

#include <functional>
#include <memory>

#include <process/http.hpp>
#include <process/pid.hpp>

#include "endpoint.hpp"
#include "factory.hpp"

namespace apportion {

/**
 * Serves `/apportion/lending`, a master's page: only masters make allocators. The actor that serves pages passes the
 * question on, so that the allocator is asked in its own actor, between two events.
 *
 * `library` must be there as long as `allocator` runs.
 */
std::unique_ptr<Endpoint> lendingEndpoint(const process::UPID& allocator, const Library& library);

} // namespace apportion {

#endif
