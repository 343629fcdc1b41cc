# Toolchain: for AArch64 from another machine, with Debian's cross compiler (g++-aarch64-linux-gnu). Boost's headers are
# the same for all machines and are taken from this one.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
file(GLOB boost_of_this_machine /usr/lib/*/cmake/Boost-*/BoostConfig.cmake)
foreach(found IN LISTS boost_of_this_machine)
  get_filename_component(found ${found} DIRECTORY)
  set(Boost_DIR ${found} CACHE PATH "Boost's headers")
endforeach()
# Programs run under qemu-user, where it is there: that they run, not that memory is ordered as it must be.
find_program(BULWARK_QEMU_AARCH64 qemu-aarch64)
mark_as_advanced(BULWARK_QEMU_AARCH64)
if(BULWARK_QEMU_AARCH64)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${BULWARK_QEMU_AARCH64} -L /usr/aarch64-linux-gnu)
endif()
