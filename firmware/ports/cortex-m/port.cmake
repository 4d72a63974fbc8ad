# Sources and linker script that every Cortex-M port shares.
list(APPEND TINYHIL_PORT_SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/speedups.c ${CMAKE_CURRENT_LIST_DIR}/startup.c)
list(APPEND TINYHIL_PORT_INCLUDES ${CMAKE_CURRENT_LIST_DIR})
set(TINYHIL_LINKER_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/cortex-m.ld)
list(APPEND TINYHIL_PORT_LINK_DEPENDS ${TINYHIL_LINKER_SCRIPT} ${TINYHIL_GENERATED}/board.ld)
# board.ld, generated from the board's memory map, is next to the model.
list(APPEND TINYHIL_PORT_LINK_OPTIONS
    -T${TINYHIL_LINKER_SCRIPT} -L${TINYHIL_GENERATED} -nostartfiles --specs=nano.specs)
