# The engine: engine.c runs the network, input.c and result.c are what happens before and after it.
# network.c is the example in the network's place; it alone needs the folder `model`.
set(TINYHIL_KERNEL_FOLDERS __KERNELS__)
add_subdirectory(model/kernels)
target_include_directories(firmware PRIVATE model)
target_link_libraries(firmware PRIVATE tinyhil_kernels)
target_sources(firmware PRIVATE engine/network.c model/model.c)

target_sources(firmware PRIVATE engine/main.c engine/engine.c engine/input.c engine/result.c)
set_source_files_properties(engine/input.c PROPERTIES
    COMPILE_DEFINITIONS "engine_open=sample_open;engine_close=sample_close")
