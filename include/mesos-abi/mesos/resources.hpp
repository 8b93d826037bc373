// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_MESOS_RESOURCES_HPP
#define APPORTION_ABI_MESOS_RESOURCES_HPP

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <google/protobuf/repeated_field.h>
#include <mesos/mesos.hpp>
#include <mesos/small_vector.hpp>
#include <stout/option.hpp>
#include <stout/try.hpp>

namespace mesos {

class ResourceConversion;

/**
 * A set of resources: shared pointers to items that the host clones before it writes to one that somebody else holds
 * too. Copying therefore copies pointers only, and an item must never be changed once it has been shared.
 */
class Resources
{
  struct Resource_
  {
    Resource resource;
    // Some only for shared volumes, counting the copies.
    Option<int> sharedCount;
  };

  typedef SmallVector<std::shared_ptr<Resource_>, 15> Items;

public:
  /** Walks over the messages of the items. */
  class const_iterator
  {
  public:
    explicit const_iterator(const std::shared_ptr<Resource_>* item) : item_(item) {}

    const Resource& operator*() const { return (*item_)->resource; }
    const_iterator& operator++()
    {
      ++item_;
      return *this;
    }
    bool operator!=(const const_iterator& that) const { return item_ != that.item_; }

  private:
    const std::shared_ptr<Resource_>* item_;
  };

  static Try<Resources> parse(const std::string& text, const std::string& defaultRole = "*");

  Resources() = default;
  /** Invalid and empty resources are left out. */
  Resources(const Resource& resource);
  Resources(const google::protobuf::RepeatedPtrField<Resource>& resources);

  size_t size() const { return items_.size(); }
  const_iterator begin() const { return const_iterator(items_.begin()); }
  const_iterator end() const { return const_iterator(items_.end()); }

  /** The number of copies of a shared volume. */
  size_t count(const Resource& that) const;

  Try<Resources> apply(const ResourceConversion& conversion) const;

  bool operator==(const Resources& that) const;
  Resources& operator+=(const Resources& that);

private:
  friend struct ResourcesLayout;

  Items items_;
};

/** A change of some resources into others, as an operation of a framework makes it. */
class ResourceConversion
{
public:
  typedef std::function<Try<Nothing>(const Resources&)> PostValidation;

  Resources consumed;
  Resources converted;
  Option<PostValidation> postValidation;
};

/** Checks what the private members must be. */
struct ResourcesLayout
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
  static_assert(sizeof(Resources::Resource_) == 152, "the message, then the count");
  static_assert(offsetof(Resources::Resource_, sharedCount) == 144, "count behind the message");
  static_assert(sizeof(Resources) == 264, "15 inline pointers");
  static_assert(sizeof(ResourceConversion) == 568, "two sets, then the validation");
  static_assert(offsetof(ResourceConversion, converted) == 264, "converted");
  static_assert(offsetof(ResourceConversion, postValidation) == 528, "validation");
#pragma GCC diagnostic pop
};

} // namespace mesos {

#endif
