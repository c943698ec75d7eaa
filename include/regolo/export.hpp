#pragma once

#include <boost/version.hpp>

/// Marks what a shared library exports; everything else is hidden.
#if defined(_WIN32)
#if !defined(REGOLO_SHARED)
#define REGOLO_EXPORT
#elif defined(REGOLO_BUILDING)
#define REGOLO_EXPORT __declspec(dllexport)
#else
#define REGOLO_EXPORT __declspec(dllimport)
#endif
#else
#define REGOLO_EXPORT __attribute__((visibility("default")))
#endif

/// The library, its public names. `v0` is inline: it is part of the ABI and never written by users.
namespace regolo::inline v0 {}
