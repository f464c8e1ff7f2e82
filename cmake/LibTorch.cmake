# LibTorch as PyTorch's package has it, for include/bpqp/torch.hpp: the target bpqp_libtorch where
# BPQP_TORCH names the package's folder. (LibTorch's own CMake package wants the very CUDA toolkit that it
# was built with, even for the CPU.)
set(BPQP_TORCH "" CACHE PATH "PyTorch's folder (site-packages/torch), for the layer for LibTorch; empty: none")
if(BPQP_TORCH)
  if(NOT EXISTS ${BPQP_TORCH}/include/torch/csrc/api/include/torch/torch.h)
    message(
      FATAL_ERROR "bpqp: BPQP_TORCH: expected PyTorch's folder, with include/torch in it, got \"${BPQP_TORCH}\"")
  endif()
  add_library(bpqp_libtorch INTERFACE)
  target_include_directories(
    bpqp_libtorch SYSTEM INTERFACE ${BPQP_TORCH}/include ${BPQP_TORCH}/include/torch/csrc/api/include)
  target_link_libraries(bpqp_libtorch INTERFACE ${BPQP_TORCH}/lib/libtorch_cpu.so ${BPQP_TORCH}/lib/libc10.so)
  target_link_options(bpqp_libtorch INTERFACE "LINKER:-rpath,${BPQP_TORCH}/lib")
endif()
