# What bulwark's own targets are built with; nothing here reaches a project that embeds the library.
function(bulwark_own_target target)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  if(BULWARK_IS_TOP_LEVEL)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
  endif()
  if(BULWARK_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(BULWARK_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${BULWARK_SANITIZE} -fno-omit-frame-pointer -g1)
    target_link_options(${target} PRIVATE -fsanitize=${BULWARK_SANITIZE})
    if(BULWARK_SANITIZE MATCHES "undefined")
      target_compile_options(${target} PRIVATE -fno-sanitize-recover=all)
    endif()
  endif()
endfunction()

# A program of ours: sources, linked with the library.
function(bulwark_program target)
  add_executable(${target} ${ARGN})
  target_link_libraries(${target} PRIVATE bulwark::bulwark)
  bulwark_own_target(${target})
endfunction()

# For a program of ours with coroutines in it. Older clangs put the mark of UndefinedBehaviorSanitizer's `function` before
# parts of a coroutine where it does not assemble ("Cannot represent a difference across sections").
function(bulwark_coroutines target)
  if(BULWARK_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang"
      AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 17)
    target_compile_options(${target} PRIVATE -fno-sanitize=function)
  endif()
endfunction()
