# tinyhil_harness(TARGET): puts the harness into a firmware, whose include path has its hil_config.h.
# What is not timed is compiled for size.
function(tinyhil_harness target)
    set(folder ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
    file(GLOB untimed CONFIGURE_DEPENDS ${folder}/*.c)
    list(REMOVE_ITEM untimed ${folder}/infer.c)
    set_source_files_properties(${untimed} PROPERTIES COMPILE_OPTIONS -Os)
    target_sources(${target} PRIVATE ${untimed} ${folder}/infer.c)
    target_include_directories(${target} PRIVATE ${folder}/include)
    target_link_libraries(${target} PRIVATE m)
endfunction()
