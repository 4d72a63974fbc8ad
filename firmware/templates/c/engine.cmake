# The engine: engine.c calls the model, input.c and result.c are what happens before and after it.
# The folder `model` has tinyhil's model and kernels; without them, take its lines out.
set(TINYHIL_KERNEL_FOLDERS __KERNELS__)
add_subdirectory(model/kernels)
target_include_directories(firmware PRIVATE model)
target_link_libraries(firmware PRIVATE tinyhil_kernels)
target_sources(firmware PRIVATE
    board/main.c engine/engine.c engine/input.c engine/result.c model/model.c)
