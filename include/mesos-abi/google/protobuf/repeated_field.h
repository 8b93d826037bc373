// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../../README.md.
#ifndef APPORTION_ABI_GOOGLE_PROTOBUF_REPEATED_FIELD_H
#define APPORTION_ABI_GOOGLE_PROTOBUF_REPEATED_FIELD_H

#include <cstddef>
#include <cstring>
#include <new>

namespace google {
namespace protobuf {

/**
 * A repeated message or string field: arena (always null here), current count, capacity, and a block of pointers that
 * begins with the number of allocated elements.
 */
template <typename T>
class RepeatedPtrField
{
public:
  RepeatedPtrField() = default;
  RepeatedPtrField(const RepeatedPtrField& that) { append(that); }
  RepeatedPtrField& operator=(const RepeatedPtrField& that)
  {
    if (this != &that) {
      release();
      append(that);
    }
    return *this;
  }
  ~RepeatedPtrField() { release(); }

  int size() const { return current_; }
  const T& Get(int index) const { return *rep_->elements[index]; }

  /** Adds a default element and lends it. */
  T* Add()
  {
    reserve(current_ + 1);
    T* element = new T();
    rep_->elements[current_++] = element;
    rep_->allocated = current_;
    return element;
  }

private:
  struct Rep
  {
    int allocated;
    T* elements[1];
  };

  void append(const RepeatedPtrField& that)
  {
    for (int i = 0; i < that.size(); ++i) *Add() = that.Get(i);
  }

  void reserve(int count)
  {
    if (count <= capacity_) return;
    const int capacity = count < 4 ? 4 : count * 2;
    Rep* grown = static_cast<Rep*>(::operator new(offsetof(Rep, elements) + sizeof(T*) * static_cast<size_t>(capacity)));
    grown->allocated = 0;
    if (rep_ != nullptr) {
      grown->allocated = rep_->allocated;
      std::memcpy(grown->elements, rep_->elements, sizeof(T*) * static_cast<size_t>(rep_->allocated));
      ::operator delete(rep_);
    }
    rep_ = grown;
    capacity_ = capacity;
  }

  void release()
  {
    if (rep_ == nullptr) return;
    for (int i = 0; i < rep_->allocated; ++i) delete rep_->elements[i];
    ::operator delete(rep_);
    rep_ = nullptr;
    current_ = capacity_ = 0;
  }

  void* arena_ = nullptr;
  int current_ = 0;
  int capacity_ = 0;
  Rep* rep_ = nullptr;
};

static_assert(sizeof(RepeatedPtrField<int>) == 24, "arena, two counts, block pointer");

} // namespace protobuf {
} // namespace google {

#endif
