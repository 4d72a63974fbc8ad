include(${CMAKE_CURRENT_LIST_DIR}/../cortex-m/port.cmake)
list(APPEND TINYHIL_PORT_SOURCES ${CMAKE_CURRENT_LIST_DIR}/port.c)
