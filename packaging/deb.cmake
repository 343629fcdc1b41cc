# The settings of CPack for the pair of Debian packages: libbulwark0.1, the shared library, and libbulwark-dev. Read by
# `cpack --config`, as scripts/package-deb does, since one package holds what two build trees make: BULWARK_SHARED_TREE and
# BULWARK_STATIC_TREE in the environment say where they are.
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/../include/bulwark/version.hpp version_lines REGEX "#define BULWARK_VERSION_")
string(REGEX MATCHALL "[0-9]+" version_numbers "${version_lines}")
list(JOIN version_numbers "." CPACK_PACKAGE_VERSION)
list(POP_BACK version_numbers)
list(JOIN version_numbers "." so_version)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME bulwark)
set(CPACK_PACKAGE_FILE_NAME bulwark)
set(CPACK_PACKAGE_VENDOR "bulwark")
set(CPACK_PACKAGE_CONTACT "the bulwark project <bulwark@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Lock-free circuit breakers and bulkheads for C++20")
set(CPACK_PACKAGE_DESCRIPTION "${CPACK_PACKAGE_DESCRIPTION_SUMMARY}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)

set(CPACK_CMAKE_GENERATOR Ninja)
set(CPACK_INSTALL_CMAKE_PROJECTS
  "$ENV{BULWARK_SHARED_TREE};bulwark;ALL;/;$ENV{BULWARK_STATIC_TREE};bulwark;ALL;/")
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_STRIP_FILES ON)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libbulwark${so_version})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "lock-free circuit breakers and bulkheads for C++20, shared library")
# What depends on it finds it by that; and CPack has ldconfig called when the library comes and when it goes.
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libbulwark-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "libbulwark${so_version} (= ${CPACK_PACKAGE_VERSION}), libboost1.81-dev | libboost-dev (>= 1.81)")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "lock-free circuit breakers and bulkheads for C++20, headers and static library")
