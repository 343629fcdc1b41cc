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
