/* What a self-test of kernels on the target has: random numbers, buffers, a verdict. */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "requantize.h"

/** Uniform in `low` to `high`, both included. */
int32_t draw(int32_t low, int32_t high);

/** `count` random bytes, at times only extreme ones. */
void fill(int8_t *values, int32_t count);

/**
 * Buffers that end at INPUT_END, WEIGHTS_END and CHANNELS_END: where memory ends, if the board has
 * enough regions, so that a kernel that reads behind one of them faults.
 */
const int8_t *draw_input(int32_t count); /* random ones */
int8_t *weights_buffer(int32_t count);
struct channel_s8 *channels_buffer(int32_t count);

static inline int32_t round_up(int32_t value, int32_t step) {
    return (value + step - 1) / step * step;
}

/** Random numbers such as the compiler lets pass, for sums of at most `bound` without the bias. */
struct channel_s8 draw_channel(int32_t bound);

/** A range for the output, often that of int8. */
void draw_range(int32_t *zero_point, int32_t *lowest, int32_t *highest);

/** A window along one axis, as the compiler makes them. */
struct axis {
    int32_t input, kernel, stride, pad, output;
};

struct axis draw_axis(int32_t longest, int32_t largest);

enum { OUTPUT_BYTES = 16384, SCRATCH_BYTES = 16384 };

/** What a kernel wrote. */
struct result {
    int8_t output[OUTPUT_BYTES];
    int8_t scratch[SCRATCH_BYTES];
};

extern struct result portable, twin;

/** Fills both results with the same bytes. */
void clear_results(void);

/** Whether both outputs are equal, bytes around them included, and scratch behind `used` is not
 * touched. */
bool results_agree(int32_t used);

/** Where outputs are to be written. */
enum { MARGIN = 64 };

/** The twin's input: at times its own output's place, with the inputs in it. */
const int8_t *maybe_in_place(bool possible, const int8_t *input, int32_t count);

/** Takes away what is left of an input `from` there, behind the outputs that it is more than. */
void forget_input(const int8_t *from, int32_t inputs, int32_t outputs);

/** The tests, one a kernel: one random case, and whether both kernels agree on it. */
bool add_case(void);
bool conv2d_case(void);
bool depthwise_case(void);
bool fully_connected_case(void);
bool avg_pool_case(void);
bool max_pool_case(void);
bool transpose_case(void);
bool lstm_case(void);
bool conv2d_pairs_case(void);
bool depthwise_pairs_case(void);
bool fully_connected_pairs_case(void);
bool conv2d_fours_case(void);
bool depthwise_planes_case(void);
bool fully_connected_fours_case(void);

#endif
