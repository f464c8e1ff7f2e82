# Each level's object (OBJECTS) must define exactly one symbol that others can see, its entry
# bpqp_backend_<level>, and hold no section group: a second symbol or a group would let the linker
# swap code between levels, and a processor would run instructions that it does not have. Nor may it
# have static initialisers: they run at start-up, at every level, whatever the processor.

foreach(object IN LISTS OBJECTS)
  get_filename_component(entry ${object} NAME_WE)

  execute_process(
    COMMAND ${NM} --extern-only --defined-only --format=posix ${object}
    OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" symbols "${symbols}")
  list(LENGTH symbols count)
  if(NOT count EQUAL 1 OR NOT symbols MATCHES "^${entry} T ")
    list(JOIN symbols "\n  " symbols)
    message(SEND_ERROR "${object}: expected only ${entry}, found ${count}:\n  ${symbols}")
  endif()

  execute_process(
    COMMAND ${READELF} --section-groups ${object}
    OUTPUT_VARIABLE groups COMMAND_ERROR_IS_FATAL ANY)
  if(groups MATCHES "COMDAT")
    message(SEND_ERROR "${object}: still has section groups:\n${groups}")
  endif()

  execute_process(
    COMMAND ${READELF} --sections --wide ${object}
    OUTPUT_VARIABLE sections COMMAND_ERROR_IS_FATAL ANY)
  if(sections MATCHES "\\.(init_array|ctors|preinit_array)")
    message(SEND_ERROR "${object}: has static initialisers (#include <iostream> is one)")
  endif()
  message(STATUS "${entry}: one visible symbol, no section group, no initialiser")
endforeach()
