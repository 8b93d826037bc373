// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_PROCESS_PID_HPP
#define APPORTION_ABI_PROCESS_PID_HPP

#include <cstdint>
#include <memory>
#include <string>

#include <stout/option.hpp>

namespace process {

class ProcessBase;

namespace network {
namespace inet {

/** Family, 16 address bytes, and the port in host order. */
struct Address
{
  int32_t family;
  uint8_t address[16];
  uint16_t port;
};

static_assert(sizeof(Address) == 24, "port at 20");

} // namespace inet {
} // namespace network {

/** The address of an actor. Copied and destroyed here, made by the host. */
class UPID
{
public:
  UPID(const UPID&) = default;
  UPID(UPID&&) = default;
  UPID& operator=(const UPID&) = default;
  ~UPID() = default;

  // In Mesos this member is a class of its own around the shared string; only its text is wanted here.
  struct ID
  {
    /** The actor's name, empty when there is none. */
    operator const std::string&() const
    {
      static const std::string* const none = new std::string();
      return text == nullptr ? *none : *text;
    }

    std::shared_ptr<std::string> text;
  } id;

private:
  network::inet::Address address_;
  struct Addresses
  {
    Option<network::inet::Address> v6;
  } addresses_;
  Option<std::string> host_;
  Option<std::weak_ptr<ProcessBase*>> reference_;

  UPID() = default;
};

static_assert(sizeof(UPID) == 136, "id, address at 16, v6 at 40, host at 72, reference at 112");

} // namespace process {

#endif
