// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_PROCESS_OWNED_HPP
#define APPORTION_ABI_PROCESS_OWNED_HPP

#include <atomic>
#include <memory>

namespace process {

/** A shared pointer to a block that holds the object's address and deletes the object. */
template <typename T>
class Owned
{
public:
  explicit Owned(T* object) : data_(std::make_shared<Data>(object)) {}

private:
  struct Data
  {
    explicit Data(T* object) : pointer(object) {}
    ~Data() { delete pointer.load(); }
    Data(const Data&) = delete;
    Data& operator=(const Data&) = delete;

    std::atomic<T*> pointer;
  };

  std::shared_ptr<Data> data_;
};

static_assert(sizeof(Owned<int>) == 16, "one shared pointer");

} // namespace process {

#endif
