# What is __BOARD__'s own.  For a board of yours: its compiler, its flags, and in `board` its files.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_COMPILER __PREFIX__gcc)
set(CMAKE_CXX_COMPILER __PREFIX__g++)
set(BOARD_FLAGS __FLAGS__)

set(TINYHIL_GENERATED ${CMAKE_CURRENT_LIST_DIR}) # Has board.ld, the memory map.
set(TINYHIL_PORTS ${CMAKE_CURRENT_LIST_DIR}) # Has the folders of the port, and of what it takes.
include(${TINYHIL_PORTS}/__PORT__/port.cmake)

function(board target)
    target_sources(${target} PRIVATE ${TINYHIL_PORT_SOURCES})
    target_include_directories(${target} PRIVATE board ${TINYHIL_PORT_INCLUDES})
    target_link_options(${target} PRIVATE ${TINYHIL_PORT_LINK_OPTIONS})
    set_target_properties(${target} PROPERTIES LINK_DEPENDS "${TINYHIL_PORT_LINK_DEPENDS}")
endfunction()
