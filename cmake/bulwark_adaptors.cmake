# The headers that need another library, each a target of its own where that library is found:
#
#   bulwark::prometheus  bulwark/prometheus.hpp   prometheus-cpp (Debian, Ubuntu: prometheus-cpp-dev)
#   bulwark::fmt         bulwark/fmt.hpp          {fmt} 9 (Debian, Ubuntu: libfmt-dev)
#
# Needs bulwark::bulwark. Read by this build and, installed, by bulwark-config.cmake.
function(bulwark_adaptor name package dependency debian)
  if(TARGET bulwark::${name})
    return()
  endif()
  find_package(${package} CONFIG QUIET)
  if(TARGET ${dependency})
    add_library(bulwark::${name} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(bulwark::${name} INTERFACE bulwark::bulwark ${dependency})
  elseif(BULWARK_IS_TOP_LEVEL)
    message(STATUS "bulwark::${name} not built: ${package} not found (Debian, Ubuntu: ${debian})")
  endif()
endfunction()

bulwark_adaptor(prometheus prometheus-cpp prometheus-cpp::core prometheus-cpp-dev)
bulwark_adaptor(fmt fmt fmt::fmt libfmt-dev)
