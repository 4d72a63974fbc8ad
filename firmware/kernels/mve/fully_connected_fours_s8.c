/* FULLY_CONNECTED for Helium in blocks of four outputs, which share every input they load. */
#include "fully_connected_fours_s8.h"

#include "requantize_mve.h"

enum { GROUP = 4 };

/** Four sums; `weights` moves on to those of the next four outputs. */
static inline int32x4_t multiply(const int8_t *input, const int8_t **weights, int32_t inputs,
                                 const int32_t *biases) {
    int32_t s0 = biases[0], s1 = biases[1], s2 = biases[2], s3 = biases[3];
    /* GCC 12 knows no predicated loop; what is loaded behind the end is 0. */
    __asm volatile("wlstp.8 lr, %[inputs], 2f\n"
                   "1:\n\t"
                   "vldrb.8 q0, [%[input]], #16\n\t"
                   "vldrb.8 q1, [%[weights]], #16\n\t"
                   "vmladava.s8 %[s0], q0, q1\n\t"
                   "vldrb.8 q2, [%[weights]], #16\n\t"
                   "vmladava.s8 %[s1], q0, q2\n\t"
                   "vldrb.8 q1, [%[weights]], #16\n\t"
                   "vmladava.s8 %[s2], q0, q1\n\t"
                   "vldrb.8 q2, [%[weights]], #16\n\t"
                   "vmladava.s8 %[s3], q0, q2\n\t"
                   "letp lr, 1b\n"
                   "2:"
                   : [s0] "+Te"(s0), [s1] "+Te"(s1), [s2] "+Te"(s2), [s3] "+Te"(s3),
                     [input] "+r"(input), [weights] "+r"(*weights)
                   : [inputs] "r"(inputs)
                   : "q0", "q1", "q2", "lr", "cc", "memory");
    return (int32x4_t){s0, s1, s2, s3};
}

static void connect(const struct fully_connected_fours_s8 *op, const int8_t *input,
                    int8_t *output) {
    const int8_t *weights = op->weights;
    const int32_t *biases = op->biases, *finish = op->finish;
    for (int32_t left = op->outputs; left > 0; left -= GROUP) {
        int32x4_t value = multiply(input, &weights, op->inputs, biases);
        const int32x4_t minus_right = vldrwq_s32(finish + GROUP);
        value = vqrdmulhq_s32(value, vldrwq_s32(finish));
        if (op->is_signed) {
            /* One less where there is a shift and the value is negative: halves away from zero. */
            value = vaddq_s32(value, vshrq_n_s32(vandq_s32(value, minus_right), 31));
        }
        value = vaddq_n_s32(vrshlq_s32(value, minus_right), op->output_zero_point);
        vstrbq_p_s32(output, saturate_mve(value), vctp32q((uint32_t)left));
        biases += GROUP;
        finish += op->finish_step;
        output += GROUP;
    }
}

void fully_connected_fours_s8(const struct fully_connected_fours_s8 *op, const int8_t *input,
                              int8_t *output) {
    for (int32_t row = 0; row < op->rows; row++) {
        connect(op, input + row * op->inputs, output + row * op->outputs);
    }
    clamp_s8(output, op->rows * op->outputs, op->activation_min, op->activation_max);
}
