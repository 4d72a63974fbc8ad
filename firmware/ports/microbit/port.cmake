include(${CMAKE_CURRENT_LIST_DIR}/../nrf5/port.cmake)
list(APPEND TINYHIL_PORT_INCLUDES ${CMAKE_CURRENT_LIST_DIR})
# What the nRF51 has.
set_source_files_properties(
    ${CMAKE_CURRENT_LIST_DIR}/../cortex-m/startup.c PROPERTIES COMPILE_DEFINITIONS CORTEX_M_INTERRUPTS=32u)
