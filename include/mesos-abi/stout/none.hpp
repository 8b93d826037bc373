// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_STOUT_NONE_HPP
#define APPORTION_ABI_STOUT_NONE_HPP

/** "No value", convertible to an empty Option or Result. */
struct None {};

#endif
