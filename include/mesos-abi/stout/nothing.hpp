// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_STOUT_NOTHING_HPP
#define APPORTION_ABI_STOUT_NOTHING_HPP

/** The value of a Try or Future that only tells success. */
struct Nothing {};

#endif
