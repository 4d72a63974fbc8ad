# The port of __NAME__. Vectors, reset, faults, sleep and the linker script are those of every
# Cortex-M, in TINYHIL_PORTS; what is the chip's own is in port.c.
include(${TINYHIL_PORTS}/cortex-m/port.cmake)
list(APPEND TINYHIL_PORT_SOURCES ${CMAKE_CURRENT_LIST_DIR}/port.c)
