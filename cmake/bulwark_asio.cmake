# bulwark::asio: bulwark/asio.hpp and what it needs, Boost.Asio as headers. Where the Boost that was found lacks it, the
# target is not there.
find_file(BULWARK_ASIO_HEADER boost/asio.hpp PATHS ${Boost_INCLUDE_DIRS} NO_DEFAULT_PATH)
mark_as_advanced(BULWARK_ASIO_HEADER)
if(BULWARK_ASIO_HEADER)
  add_library(bulwark_asio INTERFACE)
  add_library(bulwark::asio ALIAS bulwark_asio)
  target_link_libraries(bulwark_asio INTERFACE bulwark Boost::headers Threads::Threads)
  set_target_properties(bulwark_asio PROPERTIES EXPORT_NAME asio)
else()
  message(STATUS "bulwark::asio not built: Boost.Asio not found (Debian, Ubuntu: libboost1.81-dev)")
endif()

# For a program of ours with coroutines in it. Older clangs put the mark of UndefinedBehaviorSanitizer's `function` before
# parts of a coroutine where it does not assemble ("Cannot represent a difference across sections").
function(bulwark_coroutines target)
  if(BULWARK_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang"
      AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 17)
    target_compile_options(${target} PRIVATE -fno-sanitize=function)
  endif()
endfunction()
