# Cross compiling with a GCC whose programs begin with TINYHIL_PREFIX.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_C_COMPILER ${TINYHIL_PREFIX}gcc)
# Not as CMAKE_C_FLAGS_INIT, which counts in an empty folder alone: a board's file may change.
set(CMAKE_C_FLAGS "${TINYHIL_FLAGS}" CACHE STRING "Of the board's core" FORCE)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TINYHIL_PREFIX TINYHIL_FLAGS)
