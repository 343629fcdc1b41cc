# Who embeds bulwark gets the library, and the adaptors for what was found: no target of its tests, no compiler flag of its
# own.
get_property(brought DIRECTORY ${BULWARK_SOURCE_DIR} PROPERTY BUILDSYSTEM_TARGETS)
list(REMOVE_ITEM brought bulwark_asio bulwark_fmt bulwark_prometheus)
if(NOT brought STREQUAL "bulwark")
  message(FATAL_ERROR "embedding bulwark brings more targets than the library: ${brought}")
endif()
get_property(flags TARGET bulwark PROPERTY COMPILE_OPTIONS)
if(flags)
  message(FATAL_ERROR "embedding bulwark brings its own compiler flags: ${flags}")
endif()
