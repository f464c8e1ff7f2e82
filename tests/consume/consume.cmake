# Configures, builds and runs the consumer project WAY in WORK_DIR, from an empty folder.

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "failed (${result}): ${command}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
set(options "")
if(WAY STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${BPQP_BINARY_DIR} --config ${CONFIG} --prefix ${WORK_DIR}/prefix)
  list(APPEND options -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix)
else()
  # One level, no optimisation, no kernels: the question is whether it builds and links, not how fast
  # it is.
  list(APPEND options -DBPQP_SOURCE_DIR=${BPQP_SOURCE_DIR} -DBPQP_CPU_LEVELS=base -DBPQP_CUDA=OFF)
  set(CONFIG Debug)
endif()
run(${CMAKE_COMMAND}
    -S ${BPQP_SOURCE_DIR}/tests/consume/${WAY}
    -B ${WORK_DIR}/build
    -G ${GENERATOR}
    -DCMAKE_BUILD_TYPE=${CONFIG}
    -DCMAKE_CXX_COMPILER=${COMPILER}
    -DCMAKE_CXX_COMPILER_LAUNCHER=${CCACHE}
    ${options})
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build --config ${CONFIG})
run(${WORK_DIR}/build/consumer)
