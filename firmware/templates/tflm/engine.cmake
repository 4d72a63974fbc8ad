# The engine: TensorFlow Lite Micro behind the official API's `th_` functions.  TFLM is a checkout of
# tflite-micro in which its library was made, as its documents say, for this processor:
#   make -f tensorflow/lite/micro/tools/make/Makefile TARGET=cortex_m_generic \
#       TARGET_ARCH=cortex-m4+fp OPTIMIZED_KERNEL_DIR=cmsis_nn microlite
enable_language(CXX)
set(CMAKE_CXX_STANDARD 17)
set(TFLM "" CACHE PATH "A checkout of tflite-micro with its library")
file(GLOB_RECURSE TFLM_LIBRARY ${TFLM}/gen/*/lib/libtensorflow-microlite.a)
if(NOT TFLM OR NOT TFLM_LIBRARY)
    message(FATAL_ERROR
        "no gen/*/lib/libtensorflow-microlite.a in TFLM='${TFLM}'. Next step: name a checkout of "
        "tflite-micro, -DTFLM=FOLDER, in which its library was made: the first lines of "
        "engine/engine.cmake say how")
endif()

# th.c is C and C++ at once; the official `th_` functions are C++.
set_source_files_properties(engine/th.c PROPERTIES LANGUAGE CXX)
set_source_files_properties(engine/submitter.cc PROPERTIES OBJECT_DEPENDS
    ${CMAKE_CURRENT_SOURCE_DIR}/engine/model.tflite)
target_sources(firmware PRIVATE engine/main.cc engine/th.c engine/submitter.cc)
target_compile_definitions(firmware PRIVATE
    MODEL_FILE="${CMAKE_CURRENT_SOURCE_DIR}/engine/model.tflite" TF_LITE_STATIC_MEMORY)
target_compile_options(firmware PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions;-fno-rtti;-fno-threadsafe-statics>)
# What the C library asks of an operating system, for `abort` and the like; there is no heap.
target_link_options(firmware PRIVATE --specs=nosys.specs LINKER:--defsym=end=__bss_end)
set(downloads ${TFLM}/tensorflow/lite/micro/tools/make/downloads)
target_include_directories(firmware SYSTEM PRIVATE
    ${TFLM} ${downloads}/flatbuffers/include ${downloads}/gemmlowp)
target_link_libraries(firmware PRIVATE ${TFLM_LIBRARY})
