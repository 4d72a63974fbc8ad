/*
 * CONV_2D with weights in pairs, in blocks of three pixels and two channels.
 *
 * Three patches are widened at a time and interleaved word by word, so that one LDM loads a word of
 * each; another one loads a word of weights of each channel. Six SMLAD then use all of them. The
 * block is written in assembly since it needs every register, and a fixed place for each.
 */
#include "conv2d_pairs_s8.h"

#include <stdbool.h>
#include <string.h>

#include "widen.h"

enum { PIXELS = 3, UNROLL = 8 };

/** What the assembly below gets; it knows the offsets. */
struct block {
    const int32_t *patches, *patches_end;
    uint32_t skip;  /**< Bytes of code to leave out of the first round, from the loop's start. */
    int32_t bytes;  /**< See struct conv2d_pairs_s8. */
    int8_t *output; /**< Of the first pixel. */
    int32_t step;   /**< To the next pixel's output. */
    int8_t *end;    /**< Of the first pixel's outputs. */
    int32_t rounding;
    const int32_t *stream;
};

/* clang-format off */
/* Four inputs of each pixel: r0 patches, r1 weights; sums r3-r5 of one channel, r6-r8 of the other. */
#define WORDS_STEP                                                                                 \
    "ldm r0!, {r9, r10, r11}\n\t"                                                                  \
    "ldm r1!, {r12, lr}\n\t"                                                                       \
    "smlad r3, r9, r12, r3\n\t"                                                                    \
    "smlad r4, r10, r12, r4\n\t"                                                                   \
    "smlad r5, r11, r12, r5\n\t"                                                                   \
    "smlad r6, r9, lr, r6\n\t"                                                                     \
    "smlad r7, r10, lr, r7\n\t"                                                                    \
    "smlad r8, r11, lr, r8\n\t"
/* The same for weights of two channels in a word; r6-r8 are the sums of both. */
#define BYTES_STEP                                                                                 \
    "ldr.w r12, [r1], #4\n\t"                                                                      \
    "ldm r0!, {r9, r10, r11}\n\t"                                                                  \
    "sxtb16 lr, r12\n\t"                                                                           \
    "smlad r6, r9, r12, r6\n\t"                                                                    \
    "smlad r7, r10, r12, r7\n\t"                                                                   \
    "smlad r8, r11, r12, r8\n\t"                                                                   \
    "smlad r3, r9, lr, r3\n\t"                                                                     \
    "smlad r4, r10, lr, r4\n\t"                                                                    \
    "smlad r5, r11, lr, r5\n\t"
enum { WORDS_BYTES = 2 * 8 * 4, BYTES_BYTES = 2 * 9 * 4 }; /* code of two steps */
#define TIMES_16(step) step step step step step step step step step step step step step step step step
#define FIXED(sum, multiplier, addend)                                                             \
    "smmla " sum ", " sum ", " multiplier ", " addend "\n\t"                                       \
    "ssat " sum ", #8, " sum ", asr #12\n\t"
#define SHIFTED(sum, multiplier, addend)                                                           \
    "smmlar " sum ", " sum ", " multiplier ", " addend "\n\t"
#define SIGNED(sum, multiplier, addend)                                                            \
    "smmlar lr, " sum ", " multiplier ", " addend "\n\t"                                           \
    "add " sum ", lr, " sum ", asr #31\n\t"
#define SHIFT(sum, right)                                                                          \
    "asr " sum ", " sum ", " right "\n\t"                                                          \
    "ssat " sum ", #8, " sum "\n\t"
#define SIX(what, a, b, c, d)                                                                      \
    what("r3", a, b) what("r4", a, b) what("r5", a, b)                                             \
    what("r6", c, d) what("r7", c, d) what("r8", c, d)
/** All output channels of three pixels. */
static __attribute__((naked, noinline)) void block(const struct block *facts) {
    (void)facts;
    __asm volatile(
        "push {r4-r11, lr}\n\t"
        "sub sp, #36\n\t"
        "ldm r0, {r4-r12}\n\t"
        "mov r1, r12\n\t"
        /* r6: where to enter the loop; r11: where to go on after it. Bit 0 is that of Thumb. */
        "adr.w r2, 1f\n\t"
        "cmp r7, #0\n\t"
        "it ne\n\t"
        "adrne.w r2, 2f\n\t"
        "add r6, r2\n\t"
        "orr r6, #1\n\t"
        "adr.w r2, 4f\n\t"
        "cmp r11, #1\n\t"
        "it eq\n\t"
        "adreq.w r2, 5f\n\t"
        "it gt\n\t"
        "adrgt.w r2, 6f\n\t"
        "orr r11, r2, #1\n\t"
        "stm sp, {r4-r11}\n"
        "3:\n\t" /* for each pair of channels */
        "ldm r1!, {r3, r6}\n\t"
        "ldrd r0, r2, [sp]\n\t"
        "mov r4, r3\n\t"
        "mov r5, r3\n\t"
        "mov r7, r6\n\t"
        "mov r8, r6\n\t"
        "ldr pc, [sp, #8]\n\t"
        ".balign 4\n"
        "1:\n\t" TIMES_16(WORDS_STEP)
        "cmp r0, r2\n\t"
        "bne.w 1b\n\t"
        "ldr pc, [sp, #28]\n\t"
        ".balign 4\n"
        "2:\n\t" TIMES_16(BYTES_STEP)
        "cmp r0, r2\n\t"
        "bne.w 2b\n\t"
        /* Both sums, doubled. */
        "sub r6, r3\n\t"
        "sub r7, r4\n\t"
        "sub r8, r5\n\t"
        "asr r6, r6, #7\n\t"
        "asr r7, r7, #7\n\t"
        "asr r8, r8, #7\n\t"
        "lsl r3, r3, #1\n\t"
        "lsl r4, r4, #1\n\t"
        "lsl r5, r5, #1\n\t"
        "ldr pc, [sp, #28]\n\t"
        ".balign 4\n"
        "6:\n\t"
        "ldm r1!, {r9-r12}\n\t"
        SIX(SIGNED, "r9", "r10", "r11", "r12")
        "b 7f\n\t"
        ".balign 4\n"
        "5:\n\t"
        "ldm r1!, {r9-r12}\n\t"
        SIX(SHIFTED, "r9", "r10", "r11", "r12")
        "7:\n\t"
        "ldm r1!, {r9, r10}\n\t"
        SHIFT("r3", "r9") SHIFT("r4", "r9") SHIFT("r5", "r9")
        SHIFT("r6", "r10") SHIFT("r7", "r10") SHIFT("r8", "r10")
        "b 8f\n\t"
        ".balign 4\n"
        "4:\n\t"
        "ldm r1!, {r9-r12}\n\t"
        SIX(FIXED, "r9", "r10", "r11", "r12")
        "8:\n\t"
        "ldrd r9, r10, [sp, #16]\n\t"
        "ldr r11, [sp, #24]\n\t"
        "bfi r3, r6, #8, #8\n\t"
        "bfi r4, r7, #8, #8\n\t"
        "bfi r5, r8, #8, #8\n\t"
        "strh r4, [r9, r10]\n\t"
        "strh r5, [r9, r10, lsl #1]\n\t"
        "strh r3, [r9], #2\n\t"
        "str r9, [sp, #16]\n\t"
        "cmp r9, r11\n\t"
        "bne.w 3b\n\t"
        "add sp, #36\n\t"
        "pop {r4-r11, pc}");
}
/* clang-format on */

/** Where the kernel's window is over the image. */
struct place {
    int32_t y, x;
};

/** The window of the next pixel, in rows from left to right; behind the last one it stays there. */
static struct place next(const struct conv2d_pairs_s8 *op, struct place at) {
    int32_t last_x = (op->output_width - 1) * op->stride_width - op->pad_left;
    int32_t last_y = (op->output_height - 1) * op->stride_height - op->pad_top;
    if (at.x < last_x) {
        at.x += op->stride_width;
    } else if (at.y < last_y) {
        at.x = -op->pad_left;
        at.y += op->stride_height;
    }
    return at;
}

/**
 * One row of a window, of which op->row bytes can be read: in the image, if it is all there; else a
 * copy of it in `copy`.
 */
static const int8_t *row_at(const struct conv2d_pairs_s8 *op, const int8_t *input, int32_t y,
                            int32_t x, int8_t *copy, const int8_t *padding) {
    int32_t channels = op->input_channels;
    if (y < 0 || y >= op->input_height) {
        return padding;
    }
    int32_t size = op->input_height * op->input_width * channels;
    int32_t offset = (y * op->input_width + x) * channels;
    bool inside = x >= 0 && x + op->kernel_width <= op->input_width;
    if (inside && offset + op->row <= size) {
        return input + offset;
    }
    int32_t first = x < 0 ? -x : 0;
    int32_t end = inside ? op->kernel_width : op->input_width - x;
    end = end < op->kernel_width ? end : op->kernel_width;
    memcpy(copy, padding, (size_t)op->row);
    if (end > first) {
        memcpy(copy + first * channels, input + offset + first * channels,
               (size_t)((end - first) * channels));
    }
    return copy;
}

/** Widens the three windows at `at`. */
static void gather(const struct conv2d_pairs_s8 *op, const int8_t *input,
                   const struct place at[PIXELS], int32_t *patches, int8_t *rows) {
    int32_t quads = op->row / 4;
    int32_t channels = op->input_channels;
    int32_t line = op->input_width * channels;
    int32_t top = at[0].y, bottom = top + op->kernel_height;
    int32_t step = op->stride_width * channels;
    bool neighbours = at[2].x == at[0].x + 2 * op->stride_width;
    bool inside = at[0].x >= 0 && at[2].x + op->kernel_width <= op->input_width && top >= 0 &&
                  bottom <= op->input_height;
    int32_t last = ((bottom - 1) * op->input_width + at[2].x) * channels + op->row;
    if (neighbours && inside && last <= op->input_height * line) {
        const int8_t *row = input + top * line + at[0].x * channels;
        for (; top < bottom; top++, row += line) {
            patches = widen_3(row, row + step, row + 2 * step, patches, quads);
        }
        return;
    }
    const int8_t *padding = rows - op->row;
    for (int32_t y = 0; y < op->kernel_height; y++) {
        const int8_t *row[PIXELS];
        for (int32_t i = 0; i < PIXELS; i++) {
            row[i] = row_at(op, input, at[i].y + y, at[i].x, rows + i * op->row, padding);
        }
        patches = widen_3(row[0], row[1], row[2], patches, quads);
    }
}

/** The stream, or its copy in `memory`. */
static const int32_t *stage(const struct conv2d_pairs_s8 *op, int32_t *memory) {
    if (op->staged == 0) {
        return op->stream;
    }
    const int32_t *from = op->stream;
    for (int32_t *to = memory, *end = memory + op->staged / 4; to < end;) {
        *to++ = *from++;
    }
    return memory;
}

void conv2d_pairs_s8(const struct conv2d_pairs_s8 *op, const int8_t *input, int8_t *output,
                     int8_t *scratch) {
    int32_t words = op->kernel_height * op->row / 2;
    int32_t *patches = (int32_t *)(void *)scratch;
    int8_t *rows = scratch + 4 * PIXELS * words + op->row; /* behind one of padding */
    int8_t *rest = rows; /* of outputs, when copies of rows are no longer needed */
    int32_t channels = op->output_channels, pixels = op->output_height * op->output_width;
    int32_t copies = PIXELS * (op->row > channels ? op->row : channels);
    int8_t *behind = rows + (copies + 3) / 4 * 4;
    bool pointwise =
        op->kernel_height * op->kernel_width * op->stride_height * op->stride_width == 1 &&
        op->row == op->input_channels;
    uint32_t skipped = (uint32_t)(-words / 2) % UNROLL; /* of a round of so many times 4 inputs */
    struct block facts = {.patches = patches,
                          .patches_end = patches + PIXELS * words,
                          .skip = skipped * (op->bytes ? BYTES_BYTES : WORDS_BYTES),
                          .bytes = op->bytes,
                          .step = channels,
                          .rounding = op->rounding,
                          .stream = stage(op, (int32_t *)(void *)behind)};
    struct place at[PIXELS] = {{-op->pad_top, -op->pad_left}};
    memset(rows - op->row, op->input_zero_point, (size_t)op->row);
    int8_t *place = output;
    for (int32_t left = pixels; left > 0; left -= PIXELS, place += PIXELS * channels) {
        if (pointwise) {
            int32_t second = left > 1 ? op->row : 0, third = left > 2 ? 2 * op->row : 0;
            widen_3(input, input + second, input + third, patches, op->row / 4);
            input += PIXELS * op->row;
        } else {
            at[1] = next(op, at[0]);
            at[2] = next(op, at[1]);
            gather(op, input, at, patches, rows);
            at[0] = next(op, at[2]);
        }
        facts.output = left < PIXELS ? rest : place; /* as three are written */
        facts.end = facts.output + channels;
        block(&facts);
        if (left < PIXELS) {
            memcpy(place, rest, (size_t)(left * channels));
        }
    }
    clamp_s8(output, pixels * channels, op->activation_min, op->activation_max);
}
