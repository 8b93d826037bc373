// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_MESOS_ATTRIBUTES_HPP
#define APPORTION_ABI_MESOS_ATTRIBUTES_HPP

#include <google/protobuf/repeated_field.h>
#include <mesos/mesos.hpp>

namespace mesos {

/** The attributes of an agent. */
class Attributes
{
public:
  Attributes() = default;
  Attributes(const google::protobuf::RepeatedPtrField<Attribute>& attributes) : attributes_(attributes) {}

  size_t size() const { return static_cast<size_t>(attributes_.size()); }

private:
  google::protobuf::RepeatedPtrField<Attribute> attributes_;
};

static_assert(sizeof(Attributes) == 24, "one repeated field");

} // namespace mesos {

#endif
