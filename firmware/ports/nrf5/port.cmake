# A board with an nRF51 or an nRF52840; its folder has board.h: pins, and what its flash can do.
include(${CMAKE_CURRENT_LIST_DIR}/../cortex-m/cycles.cmake)
list(APPEND TINYHIL_PORT_SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/port.c ${CMAKE_CURRENT_LIST_DIR}/timer.c
    ${CMAKE_CURRENT_LIST_DIR}/uart.c)
list(APPEND TINYHIL_PORT_INCLUDES ${CMAKE_CURRENT_LIST_DIR})
