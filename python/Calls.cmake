# bpqp_python_calls: the calls that compiled programs make (src/cached_calls.hpp), for the extension
# module and for the tests of a device. Needs neither Python nor XLA.
include_guard(GLOBAL)

add_library(
  bpqp_python_calls STATIC
  ${CMAKE_CURRENT_LIST_DIR}/src/cached_calls.cpp
  ${CMAKE_CURRENT_LIST_DIR}/src/settings_text.cpp
  ${CMAKE_CURRENT_LIST_DIR}/src/solver_cache.cpp
  $<$<NOT:$<BOOL:${BPQP_HAVE_CUDA}>>:${CMAKE_CURRENT_LIST_DIR}/src/no_cuda_calls.cpp>)
target_include_directories(
  bpqp_python_calls
  PUBLIC ${CMAKE_CURRENT_LIST_DIR}/src
  PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(bpqp_python_calls PUBLIC bpqp)
bpqp_compile_options(bpqp_python_calls)

if(BPQP_HAVE_CUDA)
  add_library(bpqp_python_kernels OBJECT ${CMAKE_CURRENT_LIST_DIR}/src/cached_calls.cu)
  set_target_properties(
    bpqp_python_kernels
    PROPERTIES
      CUDA_ARCHITECTURES "${BPQP_CUDA_ARCHITECTURES}"
      CUDA_RUNTIME_LIBRARY Static
      CUDA_VISIBILITY_PRESET hidden
      POSITION_INDEPENDENT_CODE ON)
  target_include_directories(
    bpqp_python_kernels PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include
                                ${PROJECT_SOURCE_DIR}/kernels)
  # As kernels/CMakeLists.txt has them.
  target_compile_options(
    bpqp_python_kernels PRIVATE -std=c++20 --expt-relaxed-constexpr -Werror=all-warnings)
  target_sources(bpqp_python_calls PRIVATE $<TARGET_OBJECTS:bpqp_python_kernels>)
  target_link_libraries(bpqp_python_calls PRIVATE CUDA::cudart_static)
endif()
