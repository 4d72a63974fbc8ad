/*
 * CONV_2D for Helium, in blocks of two pixels and four channels: of 16 inputs of each pixel and 16
 * weights of each channel, six loads make 128 products. The block is written in assembly since
 * VMLADAVA needs every even register for its sums.
 *
 * Patches are gathered, eight pixels at a time, except where one pixel is the whole patch. Then
 * they are taken from the input; what is read behind the end of such a pixel meets weights of zero.
 */
#include "conv2d_fours_s8.h"

#include <stdbool.h>

#include "patch_mve.h"

enum { PIXELS = 8, CHUNK = 16, GROUP = 4, UNROLL = 9 };

/** What the assembly below gets; it copies the first twelve words and knows the offsets. */
struct block {
    const int8_t *weights;
    uint32_t step; /**< From a pixel's patch to the next one. */
    uint32_t skip; /**< Bytes of code to leave out of the first round, from the loop's start. */
    uint32_t patch;
    uint32_t more; /**< From a patch's end to that of the pixel after the next one. */
    uint32_t next; /**< From an output to that of the pixel after the next one. */
    int8_t *end;   /**< Of the outputs. */
    const int32_t *finish;
    int32_t is_signed;
    const int8_t *patches;
    int8_t *output;
    int32_t groups; /**< Of four channels. */
    int32_t zero_point;
    uint16_t places[8]; /**< Of the outputs of two pixels, in turn. */
};

/* clang-format off */
/* 16 inputs: r1, r3 pixels; r5 weights; sums r0, r2, r4, r6 of one, r8, r10, r12, lr of the other. */
#define STEP                                                                                       \
    "vldrb.8 q0, [r1], #16\n\t"                                                                    \
    "vldrb.8 q2, [r5], #16\n\t"                                                                    \
    "vmladava.s8 r0, q0, q2\n\t"                                                                   \
    "vldrb.8 q1, [r3], #16\n\t"                                                                    \
    "vmladava.s8 r8, q1, q2\n\t"                                                                   \
    "vldrb.8 q3, [r5], #16\n\t"                                                                    \
    "vmladava.s8 r2, q0, q3\n\t"                                                                   \
    "vmladava.s8 r10, q1, q3\n\t"                                                                  \
    "vldrb.8 q2, [r5], #16\n\t"                                                                    \
    "vmladava.s8 r4, q0, q2\n\t"                                                                   \
    "vmladava.s8 r12, q1, q2\n\t"                                                                  \
    "vldrb.8 q3, [r5], #16\n\t"                                                                    \
    "vmladava.s8 r6, q0, q3\n\t"                                                                   \
    "vmladava.s8 lr, q1, q3\n\t"
enum { STEP_BYTES = 14 * 4 };
#define TIMES_9(step) step step step step step step step step step
/** All output channels, four by four, of pixels two by two. */
static __attribute__((naked, noinline)) void block(const struct block *facts) {
    (void)facts;
    __asm volatile(
        "push {r4-r11, lr}\n\t"
        "vpush {d8-d15}\n\t"
        "sub sp, #52\n\t"
        "ldm r0!, {r1-r12}\n\t"
        "adr.w lr, 1f\n\t"
        "add r3, lr\n\t"
        "orr r3, #1\n\t" /* where to enter the loop */
        "stm sp, {r1-r12}\n\t"
        "ldr r11, [r0]\n\t" /* zero point */
        "vldrh.16 q7, [r0, #4]\n"
        "4:\n\t" /* four channels */
        "ldr r9, [sp, #28]\n\t"
        "ldrd r1, r7, [sp, #36]\n\t"
        "vldrw.32 q5, [r9, #16]\n\t" /* multipliers */
        "vldrw.32 q6, [r9, #32]\n"    /* right shifts */
        "2:\n\t" /* two pixels */
        "ldr r9, [sp, #28]\n\t"
        "ldm r9, {r0, r2, r4, r6}\n\t"
        "ldm r9, {r8, r10, r12, lr}\n\t"
        "ldr r9, [sp, #12]\n\t"
        "ldrd r5, r3, [sp]\n\t"
        "add r9, r1\n\t" /* end of the first one's patch */
        "add r3, r1\n\t"
        "ldr pc, [sp, #8]\n\t"
        ".balign 4\n"
        "1:\n\t" TIMES_9(STEP)
        "cmp r1, r9\n\t"
        "bne.w 1b\n\t"
        "vmov q0[2], q0[0], r0, r4\n\t"
        "vmov q0[3], q0[1], r2, r6\n\t"
        "vmov q1[2], q1[0], r8, r12\n\t"
        "vmov q1[3], q1[1], r10, lr\n\t"
        "ldr r9, [sp, #32]\n\t"
        "ldrd r0, r3, [sp, #16]\n\t"
        "vqrdmulh.s32 q0, q0, q5\n\t"
        "vqrdmulh.s32 q1, q1, q5\n\t"
        "cmp r9, #0\n\t"
        "beq 3f\n\t"
        /* One less where there is a shift and the value is negative: halves away from zero. */
        "vand q2, q0, q6\n\t"
        "vand q3, q1, q6\n\t"
        "vshr.s32 q2, q2, #31\n\t"
        "vshr.s32 q3, q3, #31\n\t"
        "vadd.i32 q0, q0, q2\n\t"
        "vadd.i32 q1, q1, q3\n"
        "3:\n\t"
        "vrshl.s32 q0, q0, q6\n\t"
        "vrshl.s32 q1, q1, q6\n\t"
        "ldr r9, [sp, #24]\n\t"
        "vqmovnb.s32 q0, q0\n\t"
        "vqmovnt.s32 q0, q1\n\t"
        "add r1, r0\n\t"
        "vqadd.s16 q0, q0, r11\n\t"
        "vqmovnb.s16 q0, q0\n\t"
        "vstrb.16 q0, [r7, q7]\n\t"
        "add r7, r3\n\t"
        "cmp r7, r9\n\t"
        "bne.w 2b\n\t"
        /* The next four. */
        "ldrd r7, r8, [sp, #40]\n\t"
        "ldrd r9, r10, [sp, #24]\n\t"
        "add r7, #4\n\t"
        "add r9, #4\n\t"
        "add r10, #48\n\t"
        "subs r8, #1\n\t"
        "strd r9, r10, [sp, #24]\n\t"
        "strd r7, r8, [sp, #40]\n\t"
        "str r5, [sp]\n\t"
        "bne.w 4b\n\t"
        "add sp, #52\n\t"
        "vpop {d8-d15}\n\t"
        "pop {r4-r11, pc}");
}
/* clang-format on */

/** Gathers the patch of the kernel's window at row `top` and column `left`. */
static inline void gather(const struct conv2d_fours_s8 *op, const int8_t *input, int32_t top,
                          int32_t left, int8_t *patch) {
    int32_t channels = op->input_channels;
    int32_t line = op->input_width * channels, whole = op->kernel_width * channels;
    int32_t bottom = top + op->kernel_height;
    int32_t skipped = left < 0 ? -left : 0;
    int32_t reach = op->input_width - left;
    int32_t inside = (reach < op->kernel_width ? reach : op->kernel_width) - skipped;
    inside = inside > 0 ? inside : 0;
    int32_t offset = top * line + (left + skipped) * channels; /* negative above the image */
    if (inside == op->kernel_width && top >= 0 && bottom <= op->input_height) {
        for (; top < bottom; top++, offset += line) {
            patch = place_run(patch, input + offset, whole);
        }
        return;
    }
    int32_t zero = op->input_zero_point, before = skipped * channels, run = inside * channels;
    for (; top < bottom; top++, offset += line) {
        if (top < 0 || top >= op->input_height) {
            patch = place_padding(patch, zero, whole);
        } else {
            patch = place_padding(patch, zero, before);
            patch = place_run(patch, input + offset, run);
            patch = place_padding(patch, zero, whole - before - run);
        }
    }
}

/** All channels of `pairs` of pixels, whose patches are `step` bytes apart; 0: they are the same.
 */
static void convolve_pairs(const struct conv2d_fours_s8 *op, const int8_t *patches, uint32_t step,
                           int8_t *output, int32_t pairs) {
    uint32_t patch = (uint32_t)op->patch, chunks = patch / CHUNK;
    uint32_t channels = (uint32_t)op->output_channels, apart = step > 0 ? channels : 0;
    struct block facts = {
        .weights = op->weights,
        .step = step,
        .skip = (UNROLL - 1 - (chunks - 1) % UNROLL) * STEP_BYTES,
        .patch = patch,
        .more = 2 * step - patch,
        .next = 2 * channels,
        .end = output + (uint32_t)pairs * 2 * channels,
        .finish = op->finish,
        .is_signed = op->is_signed,
        .patches = patches,
        .output = output,
        .groups = op->output_channels / GROUP,
        .zero_point = op->output_zero_point,
    };
    for (uint32_t i = 0; i < GROUP; i++) {
        facts.places[2 * i] = (uint16_t)i;
        facts.places[2 * i + 1] = (uint16_t)(i + apart);
    }
    if (pairs > 0) {
        block(&facts);
    }
}

/** All channels of `count` pixels; the last one of an odd number is done as two that are the same.
 */
static void convolve(const struct conv2d_fours_s8 *op, const int8_t *patches, int32_t step,
                     int8_t *output, int32_t count) {
    convolve_pairs(op, patches, (uint32_t)step, output, count / 2);
    if (count % 2) {
        int32_t last = count - 1;
        convolve_pairs(op, patches + last * step, 0, output + last * op->output_channels, 1);
    }
}

void conv2d_fours_s8(const struct conv2d_fours_s8 *op, const int8_t *input, int8_t *output,
                     int8_t *scratch) {
    int32_t pixels = op->output_height * op->output_width, channels = op->input_channels;
    int32_t first = 0;
    if (op->direct) {
        /* As many as can be read to a whole chunk's end. */
        int32_t beside = op->patch - channels;
        first = pixels - (beside + channels - 1) / channels;
        first = first < 0 ? 0 : first / 2 * 2;
        first = beside == 0 ? pixels : first;
        convolve(op, input, channels, output, first);
    }
    int32_t x = first % op->output_width * op->stride_width - op->pad_left;
    int32_t y = first / op->output_width * op->stride_height - op->pad_top;
    int32_t last = op->output_width * op->stride_width - op->pad_left;
    /* Pixels that are patches, next to each other, are copied at once. */
    bool adjacent =
        op->kernel_height * op->kernel_width * op->stride_height * op->stride_width == 1;
    int32_t step = adjacent ? channels : op->patch;
    while (first < pixels) {
        int32_t count = pixels - first < PIXELS ? pixels - first : PIXELS;
        if (adjacent) {
            place_run(scratch, input + first * channels, count * channels);
        } else {
            for (int32_t i = 0; i < count; i++) {
                gather(op, input, y, x, scratch + i * op->patch);
                x += op->stride_width;
                if (x == last) {
                    x = -op->pad_left;
                    y += op->stride_height;
                }
            }
        }
        convolve(op, scratch, step, output + first * op->output_channels, count);
        first += count;
    }
    clamp_s8(output, pixels * op->output_channels, op->activation_min, op->activation_max);
}
