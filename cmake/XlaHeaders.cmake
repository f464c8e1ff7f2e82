# XLA's foreign function interface for bpqp.jax: headers alone, which jaxlib brings.

# Sets BPQP_XLA_HEADERS to their folder, or to nothing (BPQP_JAX OFF, or AUTO where they are not found).
function(bpqp_find_xla_headers)
  set(BPQP_XLA_HEADERS "" PARENT_SCOPE)
  if(BPQP_JAX STREQUAL "OFF")
    return()
  endif()
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c
            "import importlib.util as u; print(u.find_spec('jaxlib').submodule_search_locations[0])"
    OUTPUT_VARIABLE jaxlib
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(jaxlib AND EXISTS ${jaxlib}/include/xla/ffi/api/ffi.h)
    message(STATUS "bpqp: with bpqp.jax, headers in ${jaxlib}/include")
    set(BPQP_XLA_HEADERS ${jaxlib}/include PARENT_SCOPE)
  elseif(BPQP_JAX STREQUAL "ON")
    message(
      FATAL_ERROR "bpqp: BPQP_JAX is ON, but ${Python_EXECUTABLE} finds no jaxlib with xla/ffi/api/ffi.h.\n"
                  "`pip install 'jaxlib>=0.5'`, or BPQP_JAX=OFF for a package without bpqp.jax.")
  else()
    message(STATUS "bpqp: without bpqp.jax (${Python_EXECUTABLE} has no jaxlib)")
  endif()
endfunction()
