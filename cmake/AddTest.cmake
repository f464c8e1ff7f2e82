# bpqp_add_test(<dir>/<name>_test.cpp LABELS <label>... [LIBS <target>...] [ARGS <argument>...]
#               [SHARDS <n>] [TIMEOUT <seconds>])
#
# One executable and one ctest entry, <dir>/<name>: a process per test case would cost more than
# most cases take, and GoogleTest says on failure which case it was. SHARDS deals the cases of a long
# file out to n entries that ctest can run at the same time. Labels: core, api, gpu, io, cli, house,
# install, slow, torch; asan and tsan, see tests/CMakeLists.txt. With BPQP_TEST_LABELS set, only tests with one
# of those labels are built.

set(BPQP_TEST_LABELS "" CACHE STRING "Build only tests with one of these labels; empty: all")

# bpqp_test_wanted(<variable> <label>...)
function(bpqp_test_wanted variable)
  set(wanted FALSE)
  foreach(label IN LISTS ARGN)
    if(NOT BPQP_TEST_LABELS OR label IN_LIST BPQP_TEST_LABELS)
      set(wanted TRUE)
    endif()
  endforeach()
  set(${variable} ${wanted} PARENT_SCOPE)
endfunction()

# The first test compiles the precompiled header, the others reuse it.
function(bpqp_use_test_pch target)
  get_property(owner GLOBAL PROPERTY BPQP_TEST_PCH)
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  else()
    target_precompile_headers(
      ${target} PRIVATE <gtest/gtest.h> <algorithm> <cmath> <random> <string> <vector>)
    set_property(GLOBAL PROPERTY BPQP_TEST_PCH ${target})
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess) # for ccache
  endif()
endfunction()

# Checks of every access that double the compilation of a test. The library has them, and the kernels that
# gpu's tests run (bpqp_gpu_test_support). An interface, linked last, as options that come later win.
add_library(bpqp_fewer_checks INTERFACE)
if(BPQP_SANITIZE MATCHES "undefined")
  target_compile_options(bpqp_fewer_checks INTERFACE -fno-sanitize=alignment,null)
endif()

# What tests are compiled with besides, as their compilation is most of what CI waits for. By -O1 a test of
# the core takes half the time that it takes by -O3; what -O3 makes of the core is the library, which
# api/ tests, and core/cpu_dense at every level.
function(bpqp_test_options target)
  if(BPQP_GNU_LIKE)
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
  target_link_libraries(${target} PRIVATE bpqp_fewer_checks)
endfunction()

function(bpqp_add_test file)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SHARDS;TIMEOUT" "LABELS;LIBS;ARGS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_LABELS)
    message(FATAL_ERROR "bpqp_add_test(${file}): LABELS missing, or: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  bpqp_test_wanted(wanted ${arg_LABELS})
  if(NOT wanted)
    return()
  endif()

  string(REGEX REPLACE "_test\\.cpp$" "" name ${file})
  string(REPLACE "/" "_" target test_${name})
  add_executable(${target} ${file})
  target_link_libraries(
    ${target} PRIVATE bpqp_test_support bpqp bpqp_algebra GTest::gtest_main ${arg_LIBS})
  bpqp_compile_options(${target})
  bpqp_test_options(${target})
  bpqp_use_test_pch(${target})

  if(NOT arg_SHARDS)
    set(arg_SHARDS 1)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  math(EXPR last "${arg_SHARDS} - 1")
  foreach(shard RANGE ${last})
    set(entry ${name})
    if(arg_SHARDS GREATER 1)
      set(entry ${name}.${shard})
    endif()
    add_test(NAME ${entry} COMMAND ${target} --gtest_brief=1 ${arg_ARGS})
    set_tests_properties(
      ${entry}
      PROPERTIES
        LABELS "${arg_LABELS}"
        TIMEOUT ${arg_TIMEOUT}
        ENVIRONMENT "GTEST_TOTAL_SHARDS=${arg_SHARDS};GTEST_SHARD_INDEX=${shard}")
  endforeach()
endfunction()

# bpqp_add_level_test(<dir>/<name>_test.cpp <level>): a core test again as <dir>/<name>.<level>, compiled
# as the backend is at that level. It skips itself where the processor lacks the instructions.
function(bpqp_add_level_test file level)
  string(REGEX REPLACE "_test\\.cpp$" "" name ${file})
  string(REPLACE "/" "_" target test_${name}_${level})
  add_executable(${target} ${file})
  target_link_libraries(${target} PRIVATE bpqp_test_support bpqp bpqp_algebra GTest::gtest_main)
  bpqp_level_options(${target} ${level})
  add_test(NAME ${name}.${level} COMMAND ${target} --gtest_brief=1)
  set_tests_properties(${name}.${level} PROPERTIES LABELS core TIMEOUT 600)
endfunction()
