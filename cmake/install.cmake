# What `cmake --install` lays down, in two components: `runtime` (the shared library) and `development` (headers, the
# static library or the link name of the shared one, what find_package and pkg-config read).
#
# A build tree makes one kind of library, by BUILD_SHARED_LIBS. Both kinds go into one prefix, from two build trees: their
# targets are exported to files of their own, and bulwark-config.cmake takes the one that is asked for.
# Nothing of what is installed names the prefix or the build tree: the whole may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(BUILD_SHARED_LIBS)
  set(kind shared)
else()
  set(kind static)
endif()
set(cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/bulwark)

install(TARGETS bulwark EXPORT bulwark-targets
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT bulwark-targets FILE bulwark-${kind}-targets.cmake NAMESPACE bulwark::
  DESTINATION ${cmake_dir} COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/bulwark DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
  FILES_MATCHING PATTERN "*.hpp")

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/bulwark-config.cmake.in
  ${PROJECT_BINARY_DIR}/bulwark-config.cmake INSTALL_DESTINATION ${cmake_dir} NO_SET_AND_CHECK_MACRO)
# 0.x: a new minor version may break what was compiled, so 0.2 does not stand in for 0.1. That is the inline namespace of
# version.hpp and the SOVERSION of the library as well.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/bulwark-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/bulwark-config.cmake ${PROJECT_BINARY_DIR}/bulwark-config-version.cmake
  DESTINATION ${cmake_dir} COMPONENT development)

install(FILES ${CMAKE_CURRENT_LIST_DIR}/bulwark_adaptors.cmake RENAME bulwark-adaptors.cmake
  DESTINATION ${cmake_dir} COMPONENT development)

# pkg-config knows where it found the file, and says the rest from there.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_to_prefix /prefix/${pc_dir} /prefix)
string(REGEX REPLACE "/$" "" pc_to_prefix ${pc_to_prefix})
list(TRANSFORM CMAKE_DL_LIBS PREPEND "-l" OUTPUT_VARIABLE pc_private)
configure_file(${CMAKE_CURRENT_LIST_DIR}/bulwark.pc.in ${PROJECT_BINARY_DIR}/bulwark.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/bulwark.pc DESTINATION ${pc_dir} COMPONENT development)
