# What the options need, with the Debian package in the message when something is missing.

# bpqp_find(<package> <Debian package> <what for> [args of find_package...])
macro(bpqp_find package debian purpose)
  find_package(${package} ${ARGN} QUIET)
  if(NOT ${package}_FOUND)
    message(
      FATAL_ERROR
        "bpqp: ${package} (${ARGN}) was not found; it is needed for ${purpose}.\n"
        "On Debian: apt-get install ${debian} (or run scripts/setup.sh). "
        "Elsewhere: set ${package}_DIR or CMAKE_PREFIX_PATH.")
  endif()
endmacro()

set(THREADS_PREFER_PTHREAD_FLAG ON)
bpqp_find(Threads g++ "the threads of the library")
bpqp_find(Eigen3 libeigen3-dev "the dense algebra of the library" 3.4 CONFIG)
bpqp_find(xsimd libxsimd-dev "SIMD registers" 8.1 CONFIG)
bpqp_find(TBB libtbb-dev "the threads of the library" CONFIG)
if(BPQP_CLI OR BPQP_TESTS OR BPQP_BENCH)
  bpqp_find(nlohmann_json nlohmann-json3-dev "problem files" 3.10 CONFIG)
  bpqp_find(ZLIB zlib1g-dev "compressed problem files")
endif()
if(BPQP_CLI)
  bpqp_find(CLI11 libcli11-dev "the command (BPQP_CLI=OFF builds without)" 2.1 CONFIG)
endif()
if(BPQP_TESTS)
  bpqp_find(GTest libgtest-dev "the tests (BPQP_TESTS=OFF builds without)" 1.12 CONFIG)
endif()
if(BPQP_BENCH)
  bpqp_find(
    benchmark libbenchmark-dev "the benchmarks (BPQP_BENCH=OFF builds without)" 1.7 CONFIG)
endif()

# CUDA: the library does not need it; AUTO takes nvcc where it is.
set(BPQP_HAVE_CUDA FALSE)
if(BPQP_CUDA)
  include(CheckLanguage)
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(BPQP_NVCC nvcc HINTS ENV CUDA_PATH PATHS /usr/local/cuda/bin)
    if(BPQP_NVCC)
      set(CMAKE_CUDA_COMPILER ${BPQP_NVCC})
    endif()
  endif()
  # Machine code for Hopper, and PTX that later devices compile for themselves.
  set(BPQP_CUDA_ARCHITECTURES
      90
      CACHE STRING "Compute capabilities that GPU code is compiled for, as CMAKE_CUDA_ARCHITECTURES")
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES ${BPQP_CUDA_ARCHITECTURES})
  endif()
  if(CMAKE_CUDA_COMPILER OR DEFINED ENV{CUDACXX})
    check_language(CUDA)
  endif()
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    set(BPQP_HAVE_CUDA TRUE)
    bpqp_find(CUDAToolkit "nvidia-cuda-toolkit or NVIDIA's own" "GPU code (BPQP_CUDA=OFF builds without)" 12.0)
    message(STATUS "bpqp: CUDA ${CMAKE_CUDA_COMPILER_VERSION} (${CMAKE_CUDA_COMPILER})")
  elseif(BPQP_CUDA STREQUAL "AUTO")
    message(STATUS "bpqp: no nvcc found; GPU code is not compiled")
  else()
    message(
      FATAL_ERROR
        "bpqp: BPQP_CUDA=${BPQP_CUDA}, but no nvcc was found. "
        "Put it on the PATH, set CMAKE_CUDA_COMPILER, or use BPQP_CUDA=OFF.")
  endif()
endif()
