/// \file
/// All of bpqp.
#pragma once

#include "bpqp/allocator.hpp"
#include "bpqp/capabilities.hpp"
#include "bpqp/problem.hpp"
#include "bpqp/ragged.hpp"
#include "bpqp/settings.hpp"
#include "bpqp/solution.hpp"
#include "bpqp/solver.hpp"
#include "bpqp/split.hpp"
#include "bpqp/status.hpp"

#define BPQP_VERSION_MAJOR 0
#define BPQP_VERSION_MINOR 1
#define BPQP_VERSION_PATCH 0
