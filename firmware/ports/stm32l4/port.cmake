# A board with an STM32L4 or L4+; its folder has board.h: clock's wait states, UART and pins.
include(${CMAKE_CURRENT_LIST_DIR}/../cortex-m/cycles.cmake)
list(APPEND TINYHIL_PORT_SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/../cortex-m/systick.c ${CMAKE_CURRENT_LIST_DIR}/clock.c
    ${CMAKE_CURRENT_LIST_DIR}/port.c ${CMAKE_CURRENT_LIST_DIR}/uart.c)
list(APPEND TINYHIL_PORT_INCLUDES ${CMAKE_CURRENT_LIST_DIR})
