// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../../README.md.
#ifndef APPORTION_ABI_MESOS_AUTHORIZER_AUTHORIZER_HPP
#define APPORTION_ABI_MESOS_AUTHORIZER_AUTHORIZER_HPP

#include <mesos/messages.hpp>
#include <process/future.hpp>

namespace mesos {

/** Who may do what. Slots: two destructors, `authorized`, and one that is not used here. */
class Authorizer
{
public:
  virtual ~Authorizer() {}

  /** May be called on any thread. */
  virtual process::Future<bool> authorized(const authorization::Request& request) = 0;
};

} // namespace mesos {

#endif
