// The check that every factory makes before anything else.
#ifndef APPORTION_SHIM_SELF_TEST_HPP
#define APPORTION_SHIM_SELF_TEST_HPP

#include <string>

namespace apportion {

/**
 * Compares this library's idea of the host's types with the host itself: messages read at their offsets, sets of
 * resources exchanged in both directions, results returned in memory, an actor's address.
 *
 * Returns an empty text when they agree, else what was found. Static assertions cannot see a host that was built with
 * another protobuf or another string ABI: the names of its functions are the same, the layout is not.
 */
std::string selfTest();

} // namespace apportion {

#endif
