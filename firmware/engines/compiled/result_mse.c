/* Result of an autoencoder: the mean squared error between the float window and its image. */
#include <string.h>

#include "tinyhil.h"

size_t engine_result_count(void) {
    return 1;
}

int32_t engine_result(const uint8_t *sample, const int8_t *output, size_t index) {
    (void)index;
    /* Double, for 640 small terms; it is not timed. */
    double sum = 0.0;
    for (int i = 0; i < MODEL_OUTPUT_COUNT; i++) {
        float value;
        memcpy(&value, &sample[(size_t)i * sizeof value], sizeof value);
        MODEL_OUTPUT_TYPE stored;
        memcpy(&stored, &output[(size_t)i * sizeof stored], sizeof stored);
        float image = MODEL_OUTPUT_SCALE * (float)(stored - MODEL_OUTPUT_ZERO_POINT);
        double error = (double)value - (double)image;
        sum += error * error;
    }
    return hil_thousandths((float)(sum / MODEL_OUTPUT_COUNT));
}
