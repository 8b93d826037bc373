// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_MESOS_SMALL_VECTOR_HPP
#define APPORTION_ABI_MESOS_SMALL_VECTOR_HPP

#include <cstddef>
#include <new>
#include <utility>

namespace mesos {

/**
 * A vector with room for N elements inside: pointer, count, capacity, inline slots. The pointer aims at the inline
 * slots until they overflow; heap blocks come from the plain operator new. A moved-from vector points back to its own
 * slots.
 */
template <typename T, size_t N>
class SmallVector
{
public:
  SmallVector() noexcept : data_(inlined()), size_(0), capacity_(N) {}
  SmallVector(const SmallVector& that) : SmallVector() { append(that); }
  SmallVector(SmallVector&& that) noexcept : SmallVector() { take(that); }
  ~SmallVector() { release(); }

  SmallVector& operator=(const SmallVector& that)
  {
    if (this != &that) {
      release();
      append(that);
    }
    return *this;
  }

  SmallVector& operator=(SmallVector&& that) noexcept
  {
    if (this != &that) {
      release();
      take(that);
    }
    return *this;
  }

  size_t size() const { return size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

private:
  T* inlined() { return reinterpret_cast<T*>(slots_); }

  void append(const SmallVector& that)
  {
    if (that.size_ > capacity_) {
      data_ = static_cast<T*>(::operator new(that.size_ * sizeof(T)));
      capacity_ = that.size_;
    }
    for (const T& element : that) new (data_ + size_++) T(element);
  }

  void take(SmallVector& that)
  {
    if (that.data_ != that.inlined()) {
      data_ = that.data_;
      size_ = that.size_;
      capacity_ = that.capacity_;
      that.data_ = that.inlined();
      that.size_ = 0;
      that.capacity_ = N;
      return;
    }
    for (size_t i = 0; i < that.size_; ++i) new (data_ + size_++) T(std::move(that.data_[i]));
    that.release();
  }

  /** Leaves an empty vector that uses its own slots. */
  void release()
  {
    for (size_t i = 0; i < size_; ++i) data_[i].~T();
    if (data_ != inlined()) ::operator delete(data_);
    data_ = inlined();
    size_ = 0;
    capacity_ = N;
  }

  T* data_;
  size_t size_;
  size_t capacity_;
  alignas(T) unsigned char slots_[N * sizeof(T)];
};

} // namespace mesos {

#endif
