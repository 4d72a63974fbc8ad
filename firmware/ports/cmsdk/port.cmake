# A board whose UART0 and timer 0 are those of the CMSDK; its folder has board.h, their addresses.
include(${CMAKE_CURRENT_LIST_DIR}/../cortex-m/port.cmake)
list(APPEND TINYHIL_PORT_SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/pin.c ${CMAKE_CURRENT_LIST_DIR}/port.c ${CMAKE_CURRENT_LIST_DIR}/timer.c
    ${CMAKE_CURRENT_LIST_DIR}/uart.c)
list(APPEND TINYHIL_PORT_INCLUDES ${CMAKE_CURRENT_LIST_DIR})
