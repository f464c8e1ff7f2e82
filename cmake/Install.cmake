# Install and export: find_package(bpqp) gives bpqp::bpqp.
include(CMakePackageConfigHelpers)

install(
  TARGETS bpqp
  EXPORT bpqpTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(BPQP_CLI)
  file(RELATIVE_PATH bpqp_bin_to_lib /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
  set_target_properties(bpqp_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${bpqp_bin_to_lib}")
  install(TARGETS bpqp_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# Not in the header set, whose headers compile alone: this one wants LibTorch.
install(FILES ${PROJECT_SOURCE_DIR}/include/bpqp/torch.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/bpqp)

set(bpqp_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/bpqp)
install(
  EXPORT bpqpTargets
  NAMESPACE bpqp::
  DESTINATION ${bpqp_cmake_dir})

get_target_property(bpqp_library_type bpqp TYPE)
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/bpqpConfig.cmake.in ${PROJECT_BINARY_DIR}/bpqpConfig.cmake
  INSTALL_DESTINATION ${bpqp_cmake_dir})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/bpqpConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/bpqpConfig.cmake ${PROJECT_BINARY_DIR}/bpqpConfigVersion.cmake
        DESTINATION ${bpqp_cmake_dir})
