# A port that counts time by the core's cycle counter; it adds a timer, see timer.h.
include(${CMAKE_CURRENT_LIST_DIR}/port.cmake)
list(APPEND TINYHIL_PORT_SOURCES ${CMAKE_CURRENT_LIST_DIR}/cycles.c)
