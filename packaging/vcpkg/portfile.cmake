# The port of bulwark for vcpkg, as an overlay: `vcpkg install bulwark --overlay-ports=packaging/vcpkg` from a checkout,
# whose sources it takes. A port in a registry fetches a release instead: vcpkg_from_git() in the place of the next line.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    -DBULWARK_INSTALL=ON
    -DBULWARK_BUILD_TESTS=OFF
    -DBULWARK_BUILD_STRESS=OFF
    -DBULWARK_BUILD_EXAMPLES=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/bulwark)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
