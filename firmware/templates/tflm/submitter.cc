// The model behind the official API's `th_` functions, run by TensorFlow Lite Micro.  A file that
// implements them for the official firmware can take this one's place: leave out of it what the
// board does (th_printf, th_getchar, th_timestamp and their set-up), which is the harness's.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <new>

#include "engine/th.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tinyhil.h"

extern "C" int8_t hil_arena[HIL_ARENA_BYTES];

// The model's file, as it is.
__asm__(".pushsection .rodata.model, \"a\"\n"
        ".balign 16\n"
        ".global model_file\n"
        "model_file: .incbin \"" MODEL_FILE "\"\n"
        ".popsection\n");
extern "C" const uint8_t model_file[];

namespace {

enum class Encoding { int8, uint8, int16, float32 }; // Of a sample as it is sent.
enum class Result { scores, mse };                   // What the task answers.

constexpr Encoding encoding = Encoding::__ENCODING__;
constexpr Result result = Result::__RESULT__;

// Of the four tasks' models; another one may need others, and their number.
using Resolver = tflite::MicroMutableOpResolver<7>;

tflite::MicroInterpreter *interpreter;
uint32_t failures; // Inferences of the sample that have failed.

float dequantized(const TfLiteTensor *tensor, size_t index) {
    return tensor->params.scale *
           static_cast<float>(tensor->data.int8[index] - tensor->params.zero_point);
}

float sample_float(size_t index) {
    float value;
    memcpy(&value, ee_get_buffer_pointer() + index * sizeof value, sizeof value);
    return value;
}

int8_t quantized(float value, const TfLiteQuantizationParams &params) {
    float step = rintf(value / params.scale) + static_cast<float>(params.zero_point);
    return static_cast<int8_t>(step >= 127.0f   ? 127
                               : step > -128.0f ? static_cast<int>(step)
                                                : -128);
}

// The mean squared error between the window and the model's image of it.
float mean_squared_error(const TfLiteTensor *output) {
    double sum = 0.0;
    for (size_t i = 0; i < output->bytes; i++) {
        double error = static_cast<double>(sample_float(i)) - dequantized(output, i);
        sum += error * error;
    }
    return static_cast<float>(sum / static_cast<double>(output->bytes));
}

} // namespace

void th_final_initialize() {
    // In place, so that nothing is destroyed at an end that never comes.
    alignas(Resolver) static uint8_t resolver_place[sizeof(Resolver)];
    alignas(tflite::MicroInterpreter) static uint8_t place[sizeof(tflite::MicroInterpreter)];
    auto *resolver = new (resolver_place) Resolver;
    resolver->AddAdd();
    resolver->AddAveragePool2D();
    resolver->AddConv2D();
    resolver->AddDepthwiseConv2D();
    resolver->AddFullyConnected();
    resolver->AddReshape();
    resolver->AddSoftmax();
    interpreter = new (place)
        tflite::MicroInterpreter(tflite::GetModel(model_file), *resolver,
                                 reinterpret_cast<uint8_t *>(hil_arena), sizeof hil_arena);
    if (interpreter->AllocateTensors() != kTfLiteOk) {
        tinyhil_fail("The model does not fit into HIL_ARENA_BYTES:", HIL_ARENA_BYTES);
    }
}

// Not timed.  The interpreter may write over its input: this is called once for all inferences of
// a sample, as in the official firmware.
void th_load_tensor() {
    failures = 0;
    TfLiteTensor *input = interpreter->input(0);
    const uint8_t *sample = ee_get_buffer_pointer();
    for (size_t i = 0; i < input->bytes; i++) {
        if (encoding == Encoding::float32) {
            input->data.int8[i] = quantized(sample_float(i), input->params);
        } else {
            input->data.int8[i] =
                static_cast<int8_t>(encoding == Encoding::uint8 ? sample[i] ^ 0x80 : sample[i]);
        }
    }
}

void th_infer() {
    failures += interpreter->Invoke() != kTfLiteOk;
}

void th_results() {
    const TfLiteTensor *output = interpreter->output(0);
    if (failures != 0) {
        tinyhil_fail("Failed inferences:", failures);
    }
    th_printf("m-results-[");
    if (result == Result::mse) {
        th_printf("%0.3f", static_cast<double>(mean_squared_error(output)));
    } else {
        for (size_t i = 0; i < output->bytes; i++) {
            th_printf(i == 0 ? "%0.3f" : ",%0.3f", static_cast<double>(dequantized(output, i)));
        }
    }
    th_printf("]\r\n");
}

void th_pre() {
}

void th_post() {
}
