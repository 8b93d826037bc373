// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_STOUT_RESULT_HPP
#define APPORTION_ABI_STOUT_RESULT_HPP

#include <stout/try.hpp>

/** A value, none, or an error. Layout: a Try of an Option. */
template <typename T>
class Result
{
public:
  Result(const None&) : data_(Option<T>()) {}
  Result(const T& value) : data_(Option<T>(value)) {}
  Result(T&& value) : data_(Option<T>(std::move(value))) {}
  Result(const Error& error) : data_(error) {}

  bool isSome() const { return data_.isSome() && data_.get().isSome(); }
  bool isNone() const { return data_.isSome() && data_.get().isNone(); }
  bool isError() const { return data_.isError(); }
  const T& get() const { return data_.get().get(); }
  const std::string& error() const { return data_.error(); }

private:
  Try<Option<T>> data_;
};

static_assert(sizeof(Result<Nothing>) == 56, "Option<Option<Nothing>> of 12 bytes, padded, then Option<Error>");

#endif
