/// \file
/// What the kernels that few problems need run on (rest.cu and its neighbours).
#pragma once

#include "launch.cuh"

namespace bpqp::cuda {

using RestLayout = gpu::ByGrid<gpu::kRestClasses[0].warps>;
/// Threads of a block, and blocks of a multiprocessor for which there must be registers.
inline constexpr int kRestThreads = RestLayout::kThreads, kRestBlocks = gpu::kRestClasses[0].blocks;

}  // namespace bpqp::cuda
