/// \file
/// Marks what a shared bpqp exports; everything else in it is hidden.
#pragma once

#if defined(__GNUC__)
#define BPQP_API __attribute__((visibility("default")))
#else
#define BPQP_API
#endif
