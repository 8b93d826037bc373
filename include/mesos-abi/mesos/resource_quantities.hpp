// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_MESOS_RESOURCE_QUANTITIES_HPP
#define APPORTION_ABI_MESOS_RESOURCE_QUANTITIES_HPP

#include <string>
#include <utility>

#include <google/protobuf/map.h>
#include <mesos/mesos.hpp>
#include <mesos/small_vector.hpp>
#include <stout/try.hpp>

namespace mesos {

/** Amounts by resource name, sorted by name, without zeros. */
class ResourceQuantities
{
public:
  typedef const std::pair<std::string, Value_Scalar>* const_iterator;

  const_iterator begin() const { return quantities_.begin(); }
  const_iterator end() const { return quantities_.end(); }

private:
  SmallVector<std::pair<std::string, Value_Scalar>, 7> quantities_;
};

/** Upper bounds by resource name, sorted by name; a zero is a bound. */
class ResourceLimits
{
public:
  typedef const std::pair<std::string, Value_Scalar>* const_iterator;

  /** Reads the `name:number;...` form; infinity is `inf`. */
  static Try<ResourceLimits> fromString(const std::string& text);

  ResourceLimits() = default;
  explicit ResourceLimits(const google::protobuf::Map<std::string, Value_Scalar>& map);

  const_iterator begin() const { return limits_.begin(); }
  const_iterator end() const { return limits_.end(); }

private:
  SmallVector<std::pair<std::string, Value_Scalar>, 7> limits_;
};

static_assert(sizeof(ResourceQuantities) == 472 && sizeof(ResourceLimits) == 472, "7 inline pairs");

} // namespace mesos {

#endif
