# Runs the demo with arguments that it must refuse: the exit code, and one line on standard error and nothing else.
# DEMO: the program. ARGS: its arguments. CODE: the exit code. SAYS: a regular expression for the line.
execute_process(COMMAND ${DEMO} ${ARGS} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
if(NOT code STREQUAL CODE)
  message(FATAL_ERROR "exit code ${code}, expected ${CODE}: ${err}")
endif()
if(NOT out STREQUAL "" OR NOT err MATCHES "^bulwark-demo: [^\n]+\n$" OR NOT err MATCHES "${SAYS}")
  message(FATAL_ERROR "expected one line on standard error with '${SAYS}', got:\n${out}${err}")
endif()
