# What ptxas said of the kernels (cmake/ptxas_log.sh): none may have more registers than the size
# table leaves it (launch bounds see to that; this sees to the launch bounds), nor spill more than is
# known and was looked at: 128 registers fill a multiprocessor better than 168 without a spill
# (docs/gpu.md), and what is spilled are the outer stages' few values, not a loop's. LOGS: the folder
# of the logs.
file(GLOB logs ${LOGS}/*.ptxas)
list(LENGTH logs count)
if(count LESS 7)
  message(FATAL_ERROR "expected the logs of 7 files of kernels in ${LOGS}, found ${count}")
endif()

# Bytes stored and loaded in all functions of a kernel together; 0 where none is named.
@LIMITS@
set(failures "")

# Judges the kernel whose lines have been read.
macro(judge)
  if(kernel)
    message(STATUS "${file}: ${kernel}: ${used} registers, ${spilled} bytes spilled")
    set(most 0)
    string(REPLACE ".cu.o.ptxas" "" name ${file})
    if(DEFINED most_${name}_${kernel})
      set(most ${most_${name}_${kernel}})
    endif()
    if(spilled GREATER most)
      string(APPEND failures
             "\n  ${file}: ${kernel} spills ${spilled} bytes, at most ${most} expected")
    endif()
    if(used GREATER registers)
      string(APPEND failures
             "\n  ${file}: ${kernel} has ${used} registers, at most ${registers} expected")
    endif()
  endif()
endmacro()

foreach(log IN LISTS logs)
  file(STRINGS ${log} lines REGEX "Compiling entry|bytes spill|Used [0-9]+ registers")
  get_filename_component(file ${log} NAME)
  set(registers 255) # SizeClass::registers() of the table's rows
  if(file MATCHES "class_")
    set(registers 128)
  endif()
  set(kernel "")
  foreach(line IN LISTS lines)
    if(line MATCHES "Compiling entry function '([^']*)'")
      set(symbol ${CMAKE_MATCH_1})
      judge()
      set(kernel "")
      set(spilled 0)
      foreach(name differentiate_by_admm differentiate_relaxed relax_points condense_shared solve_plain
                   solve_rest solve_cones differentiate sum_gradients attach_points load_starts)
        if(NOT kernel AND symbol MATCHES ${name})
          set(kernel ${name})
        endif()
      endforeach()
    elseif(line MATCHES "([0-9]+) bytes spill stores, ([0-9]+) bytes spill loads")
      math(EXPR spilled "${spilled} + ${CMAKE_MATCH_1} + ${CMAKE_MATCH_2}")
    elseif(line MATCHES "Used ([0-9]+) registers")
      set(used ${CMAKE_MATCH_1})
    endif()
  endforeach()
  judge()
endforeach()
if(failures)
  message(FATAL_ERROR "ptxas:${failures}")
endif()
