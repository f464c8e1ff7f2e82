# The backend is one source compiled once per instruction level, so that one binary runs on any
# x86-64 processor and uses what it finds there.
#
# The danger: two objects define the same inline function (of Eigen, of std), the linker keeps one,
# and a processor without AVX runs the AVX-512 one. So each level's objects are linked into one
# relocatable object (ld -r), section groups are dissolved (--force-group-allocation: a group that
# is left could still be dropped in favour of another level's), and every symbol but the level's
# entry, bpqp_backend_<level>, is made local. tests/house/levels_symbols.cmake checks the result.

# GNU binutils even where CMake took LLVM's tools for a Clang build: lld 14 cannot dissolve groups.
find_program(BPQP_LD NAMES ld.bfd ld)
find_program(BPQP_OBJCOPY NAMES objcopy)
mark_as_advanced(BPQP_LD BPQP_OBJCOPY)

set(bpqp_levels_default base)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$"
   AND BPQP_GNU_LIKE
   AND CMAKE_BUILD_TYPE MATCHES "^Rel"
   AND NOT BPQP_SANITIZE
   AND UNIX
   AND NOT APPLE)
  if(BPQP_LD AND BPQP_OBJCOPY)
    execute_process(COMMAND ${BPQP_LD} --help OUTPUT_VARIABLE bpqp_ld_help ERROR_QUIET)
  endif()
  if(bpqp_ld_help MATCHES "force-group-allocation")
    set(bpqp_levels_default v2 v3 v4)
  else()
    message(STATUS "bpqp: binutils 2.29 or later was not found; one instruction level only")
  endif()
endif()
set(BPQP_CPU_LEVELS
    "${bpqp_levels_default}"
    CACHE STRING "Instruction levels of the backend: any of v2;v3;v4, or base (the compiler's own)")

foreach(level IN LISTS BPQP_CPU_LEVELS)
  if(NOT level MATCHES "^(v2|v3|v4|base)$")
    message(FATAL_ERROR "BPQP_CPU_LEVELS: expected v2, v3, v4 or base, got \"${level}\"")
  endif()
endforeach()
list(TRANSFORM BPQP_CPU_LEVELS REPLACE "(.+)" "BPQP_X(\\1)" OUTPUT_VARIABLE bpqp_levels_x)
list(JOIN bpqp_levels_x " " BPQP_CPU_LEVELS_LIST)
message(STATUS "bpqp: instruction levels ${BPQP_CPU_LEVELS}")

# FMA is the point of v3 and v4, so there contraction is on: each level has bits of its own.
function(bpqp_level_options target level)
  if(level STREQUAL "base")
    bpqp_compile_options(${target})
  else()
    bpqp_compile_options(${target} CONTRACT)
    target_compile_options(${target} PRIVATE -march=x86-64-${level})
  endif()
  if(BPQP_GNU_LIKE)
    # Neither changes a result: errno is not set by sqrt, no trap handler sees speculative arithmetic.
    target_compile_options(${target} PRIVATE -fno-math-errno -fno-trapping-math)
    if(NOT BPQP_SANITIZE)
      target_compile_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O3>)
    endif()
  endif()
  if(level STREQUAL "v4")
    # The warnings are about GCC 12's own avx512fintrin.h, once per intrinsic.
    target_compile_options(
      ${target} PRIVATE -mprefer-vector-width=512
                        $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized;-Wno-maybe-uninitialized>)
  endif()
endfunction()

# The level's object library.
function(bpqp_backend_objects name level)
  add_library(${name} OBJECT ${ARGN})
  bpqp_level_options(${name} ${level})
  target_link_libraries(${name} PRIVATE bpqp_algebra)
  target_include_directories(
    ${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_definitions(${name} PRIVATE BPQP_LEVEL=${level})
  if(NOT level STREQUAL "base" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # STB_GNU_UNIQUE symbols (statics of templates and inline functions) cannot be made local.
    target_compile_options(${name} PRIVATE -fno-gnu-unique)
  endif()
  set_target_properties(${name} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
endfunction()

# bpqp_add_backend(<target> SOURCES <file>...): adds the sources to the target at every level. Each
# level must define extern "C" const void* bpqp_backend_<level>().
function(bpqp_add_backend target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES")
  set(level_objects "")
  foreach(level IN LISTS BPQP_CPU_LEVELS)
    set(name bpqp_backend_${level})
    bpqp_backend_objects(${name} ${level} ${arg_SOURCES})
    if(level STREQUAL "base")
      target_sources(${target} PRIVATE $<TARGET_OBJECTS:${name}>)
      continue()
    endif()
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${BPQP_LD} -r --force-group-allocation -o ${object}.all
              $<TARGET_OBJECTS:${name}>
      COMMAND ${BPQP_OBJCOPY} --keep-global-symbol=${name} ${object}.all ${object}
      COMMAND ${CMAKE_COMMAND} -E rm ${object}.all
      DEPENDS $<TARGET_OBJECTS:${name}>
      COMMENT "Isolating instruction level ${level}"
      COMMAND_EXPAND_LISTS VERBATIM)
    set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
    target_sources(${target} PRIVATE ${object})
    list(APPEND level_objects ${object})
  endforeach()
  set_property(GLOBAL PROPERTY BPQP_LEVEL_OBJECTS "${level_objects}")
endfunction()
