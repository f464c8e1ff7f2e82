# What all our targets are compiled with. Numbers must not depend on the optimiser's freedom: no fast
# math anywhere, and no contraction to FMA outside the backend's level objects (CpuLevels.cmake).

if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  set(BPQP_GNU_LIKE TRUE)
else()
  set(BPQP_GNU_LIKE FALSE)
endif()

# The sloppiness is what ccache asks for to cache files that use a precompiled header.
find_program(BPQP_CCACHE ccache)
if(PROJECT_IS_TOP_LEVEL AND BPQP_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${BPQP_CCACHE})
endif()

add_library(bpqp_options INTERFACE)
if(BPQP_GNU_LIKE)
  target_compile_options(
    bpqp_options
    INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion>)
  if(BPQP_WERROR)
    target_compile_options(bpqp_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
  endif()
endif()

if(BPQP_SANITIZE)
  if(NOT BPQP_GNU_LIKE)
    message(FATAL_ERROR "BPQP_SANITIZE needs GCC or Clang")
  endif()
  # -O1: Eigen at -O0 runs for minutes where -O1 takes seconds. -g1: line numbers at half the
  # memory of -g.
  target_compile_options(
    bpqp_options INTERFACE -fsanitize=${BPQP_SANITIZE} -fno-sanitize-recover=all
                           -fno-omit-frame-pointer -O1 -g1)
  target_link_options(bpqp_options INTERFACE -fsanitize=${BPQP_SANITIZE})
endif()

# Eigen and xsimd as every file must see them: a difference between two files would be two definitions of one
# inline function.
add_library(bpqp_algebra INTERFACE)
target_link_libraries(bpqp_algebra INTERFACE Eigen3::Eigen)
# Its headers only: Debian's target asks for xtl (complex numbers), which nothing here needs.
target_include_directories(
  bpqp_algebra SYSTEM INTERFACE $<TARGET_PROPERTY:xsimd,INTERFACE_INCLUDE_DIRECTORIES>)
target_compile_definitions(
  bpqp_algebra
  INTERFACE
    EIGEN_MAX_ALIGN_BYTES=64 # the same at every level: data cross from one to the other
    EIGEN_STACK_ALLOCATION_LIMIT=2097152 # products keep their panels on the stack, not in malloc
    EIGEN_DONT_PARALLELIZE # threads belong to the executor; Eigen's would change the bits
    EIGEN_NO_AUTOMATIC_RESIZING)

# bpqp_compile_options(<target> [CONTRACT]): the options above; they do not reach the target's users.
# CONTRACT allows FMA. (Not in bpqp_options: those come after the target's own options, and win.)
function(bpqp_compile_options target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "CONTRACT" "" "")
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:bpqp_options>)
  if(BPQP_GNU_LIKE)
    target_compile_options(
      ${target} PRIVATE -fno-fast-math -ffp-contract=$<IF:$<BOOL:${arg_CONTRACT}>,fast,off>)
  endif()
  set_target_properties(
    ${target}
    PROPERTIES
      CXX_EXTENSIONS OFF
      CXX_VISIBILITY_PRESET hidden
      VISIBILITY_INLINES_HIDDEN ON
      POSITION_INDEPENDENT_CODE ON)
endfunction()
