// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_STOUT_ERROR_HPP
#define APPORTION_ABI_STOUT_ERROR_HPP

#include <string>
#include <utility>

/** A failure told in words: one string, no virtual functions. */
class Error
{
public:
  explicit Error(std::string text) : message(std::move(text)) {}

  std::string message;
};

static_assert(sizeof(Error) == 32, "Error is one std::string of the C++11 ABI");

#endif
