// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_STOUT_OPTION_HPP
#define APPORTION_ABI_STOUT_OPTION_HPP

#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>

#include <stout/none.hpp>

/**
 * A value or none. Layout: a 32-bit tag (0 some, 1 none), then the value at its own alignment, constructed only when
 * the tag says some. Never trivially copyable, so it is passed by hidden reference even for an int.
 */
template <typename T>
class Option
{
public:
  Option() : tag_(NONE) {}
  Option(const None&) : tag_(NONE) {}
  Option(const T& value) : tag_(SOME) { new (&value_) T(value); }
  Option(T&& value) : tag_(SOME) { new (&value_) T(std::move(value)); }
  Option(const Option& that) : tag_(that.tag_)
  {
    if (that.isSome()) new (&value_) T(that.value_);
  }
  Option(Option&& that) : tag_(that.tag_)
  {
    if (that.isSome()) new (&value_) T(std::move(that.value_));
  }
  ~Option() { clear(); }

  Option& operator=(const Option& that)
  {
    if (this != &that) {
      clear();
      if (that.isSome()) {
        new (&value_) T(that.value_);
        tag_ = SOME;
      }
    }
    return *this;
  }

  Option& operator=(Option&& that)
  {
    if (this != &that) {
      clear();
      if (that.isSome()) {
        new (&value_) T(std::move(that.value_));
        tag_ = SOME;
      }
    }
    return *this;
  }

  bool isSome() const { return tag_ == SOME; }
  bool isNone() const { return tag_ == NONE; }

  /** The value; ends the process when there is none, as a broken promise of the caller. */
  const T& get() const& { return require(), value_; }
  T& get() & { return require(), value_; }
  const T* operator->() const { return require(), &value_; }
  T* operator->() { return require(), &value_; }

private:
  enum Tag : int { SOME = 0, NONE = 1 };

  void require() const
  {
    if (isNone()) std::abort();
  }

  void clear()
  {
    if (isSome()) value_.~T();
    tag_ = NONE;
  }

  Tag tag_;
  union
  {
    T value_;
  };
};

static_assert(sizeof(Option<int>) == 8, "tag at 0, an int at 4");
static_assert(sizeof(Option<void*>) == 16, "tag at 0, a pointer at 8");
static_assert(!std::is_trivially_copyable<Option<int>>::value, "an Option travels by hidden reference");

#endif
