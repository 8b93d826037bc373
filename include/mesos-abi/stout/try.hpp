// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_STOUT_TRY_HPP
#define APPORTION_ABI_STOUT_TRY_HPP

#include <string>

#include <stout/error.hpp>
#include <stout/nothing.hpp>
#include <stout/option.hpp>

/** A value or an error. Layout: Option of the value, then Option of the error. */
template <typename T, typename E = Error>
class Try
{
public:
  Try(const T& value) : value_(value) {}
  Try(T&& value) : value_(std::move(value)) {}
  Try(const E& error) : error_(error) {}

  bool isSome() const { return value_.isSome(); }
  bool isError() const { return value_.isNone(); }
  const T& get() const { return value_.get(); }
  T& get() { return value_.get(); }
  const T* operator->() const { return &value_.get(); }
  const std::string& error() const { return error_.get().message; }

private:
  Option<T> value_;
  Option<E> error_;
};

static_assert(sizeof(Try<Nothing>) == 48, "Option<Nothing> of 8 bytes, Option<Error> of 40");

#endif
