# Sources and linker script that every Cortex-M port shares.
list(APPEND TINYHIL_PORT_SOURCES ${CMAKE_CURRENT_LIST_DIR}/startup.c)
list(APPEND TINYHIL_PORT_INCLUDES ${CMAKE_CURRENT_LIST_DIR})
set(TINYHIL_LINKER_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/cortex-m.ld)
