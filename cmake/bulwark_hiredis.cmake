# bulwark_hiredis: the C client of Redis, where it is installed; otherwise there is no such target.
if(TARGET bulwark_hiredis)
  return()
endif()
# By its files: what its packages give CMake and pkg-config differs between versions.
find_path(BULWARK_HIREDIS_INCLUDE_DIR hiredis/hiredis.h)
find_library(BULWARK_HIREDIS_LIBRARY hiredis)
mark_as_advanced(BULWARK_HIREDIS_INCLUDE_DIR BULWARK_HIREDIS_LIBRARY)
if(BULWARK_HIREDIS_INCLUDE_DIR AND BULWARK_HIREDIS_LIBRARY)
  add_library(bulwark_hiredis INTERFACE)
  target_include_directories(bulwark_hiredis SYSTEM INTERFACE ${BULWARK_HIREDIS_INCLUDE_DIR})
  target_link_libraries(bulwark_hiredis INTERFACE ${BULWARK_HIREDIS_LIBRARY})
endif()
