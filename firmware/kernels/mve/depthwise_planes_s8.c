/*
 * DEPTHWISE_CONV_2D for Helium on the plane of one channel after the other, four outputs of a line
 * at a time. The loop is written in assembly since it needs every register: all nine weights are in
 * one, to be multiplied with vectors of inputs, which are widened as they are loaded.
 *
 * With a stride of 2, a plane has 12 bytes for each four outputs: their inputs for the kernel's
 * first column, then those for its second, then for its third one.
 */
#include "depthwise_planes_s8.h"

#include <arm_mve.h>
#include <stdbool.h>
#include <string.h>

enum { CHANNEL_WORDS = 12, KERNEL = 3, CHUNK = 16, LANES = 8, FOUR_BYTES = 12 };

/** What the assembly below gets; it knows the offsets. */
struct channel {
    const int8_t *plane;
    int32_t width; /**< Of its lines. */
    int32_t places, lines;
    int8_t *output;
    int32_t line_step;
    int32_t zero_point;
    int32_t place_step_4; /**< Four places of the output. */
    uint32_t places_4[4]; /**< Offsets of the first four. */
};

/* clang-format off */
#define TAP(line, weight, offset)                                                                  \
    "vldrb.s32 q1, [" line ", #" offset "]\n\t"                                                    \
    "vmla.s32 q0, q1, " weight "\n\t"
#define LAST_TAP(line, weight, step)                                                               \
    "vldrb.s32 q1, [" line "], #" step "\n\t"                                                      \
    "vmla.s32 q0, q1, " weight "\n\t"
#define STRIDE_1(line, w0, w1, w2) TAP(line, w1, "1") TAP(line, w2, "2") LAST_TAP(line, w0, "4")
#define STRIDE_2(line, w0, w1, w2) TAP(line, w1, "4") TAP(line, w2, "8") LAST_TAP(line, w0, "12")
/* One less where there is a shift and the value is negative: halves away from zero. */
#define AWAY                                                                                       \
    "vand q1, q0, q6\n\t"                                                                          \
    "vshr.s32 q1, q1, #31\n\t"                                                                     \
    "vadd.i32 q0, q0, q1\n\t"
/*
 * r0 to r2: lines of the plane; r3: output; r4 to r12: weights; q2: step of the offsets q7; q3: zero
 * point; q4: bias; q5: multiplier; q6: right shift, negative.
 */
#define CHANNEL(name, LINE, next, round)                                                                       \
    static __attribute__((naked, noinline)) void name(struct channel *facts,                       \
                                                      const int32_t *words) {                      \
        (void)facts, (void)words;                                                                  \
        __asm volatile(                                                                            \
            "push {r4-r11, lr}\n\t"                                                                \
            "sub sp, #4\n\t"                                                                       \
            "vpush {d8-d15}\n\t"                                                                   \
            "str r0, [sp, #64]\n\t"                                                                \
            "ldm r1!, {r4-r6}\n\t"                                                                 \
            "vdup.32 q4, r4\n\t"                                                                   \
            "vdup.32 q5, r5\n\t"                                                                   \
            "vdup.32 q6, r6\n\t"                                                                   \
            "ldrd r4, r5, [r0, #24]\n\t"                                                           \
            "vdup.32 q3, r4\n\t"                                                                   \
            "vdup.32 q2, r5\n\t"                                                                   \
            "ldm r1, {r4-r12}\n"                                                                   \
            "1:\n\t"                                                                               \
            "ldr r3, [sp, #64]\n\t"                                                                \
            "ldrd r0, r1, [r3]\n\t"                                                                \
            "add r2, r0, r1, lsl #1\n\t"                                                           \
            "add r1, r0\n\t"                                                                       \
            "str " next ", [r3]\n\t"                                                                     \
            "vldrw.32 q7, [r3, #32]\n\t"                                                           \
            "ldr lr, [r3, #8]\n\t"                                                                 \
            "ldr r3, [r3, #16]\n\t"                                                                \
            "dlstp.32 lr, lr\n"                                                                    \
            "2:\n\t"                                                                               \
            "vmov q0, q4\n\t"                                                                      \
            LINE("r0", "r4", "r5", "r6")                                                           \
            LINE("r1", "r7", "r8", "r9")                                                           \
            LINE("r2", "r10", "r11", "r12")                                                        \
            "vqrdmulh.s32 q0, q0, q5\n\t"                                                          \
            round                                                                                  \
            "vrshl.s32 q0, q0, q6\n\t"                                                             \
            "vadd.i32 q0, q0, q3\n\t"                                                              \
            "vqmovnb.s32 q0, q0\n\t"                                                               \
            "vqmovnb.s16 q0, q0\n\t"                                                               \
            "vstrb.32 q0, [r3, q7]\n\t"                                                            \
            "vadd.i32 q7, q7, q2\n\t"                                                              \
            "letp lr, 2b\n\t"                                                                      \
            "ldr r3, [sp, #64]\n\t"                                                                \
            "ldrd r0, r1, [r3, #16]\n\t"                                                           \
            "add r0, r1\n\t"                                                                       \
            "str r0, [r3, #16]\n\t"                                                                \
            "ldr r0, [r3, #12]\n\t"                                                                \
            "subs r0, #1\n\t"                                                                      \
            "str r0, [r3, #12]\n\t"                                                                \
            "bne 1b\n\t"                                                                           \
            "vpop {d8-d15}\n\t"                                                                    \
            "add sp, #4\n\t"                                                                       \
            "pop {r4-r11, pc}");                                                                   \
    }
CHANNEL(convolve, STRIDE_1, "r1", "")
CHANNEL(convolve_signed, STRIDE_1, "r1", AWAY)
CHANNEL(convolve_2, STRIDE_2, "r2", "")
CHANNEL(convolve_2_signed, STRIDE_2, "r2", AWAY)
/* clang-format on */

/** Copies what outputs see of one channel between the borders of its plane. */
static void fill_plane(const struct depthwise_planes_s8 *op, const int8_t *input, int8_t *plane) {
    const int32_t step = op->input_place_step, width = op->width;
    const uint16x8_t offsets = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)step);
    int32_t places = width - op->pad_places;
    int32_t lines = op->output_lines + KERNEL - 1 - op->pad_lines;
    places = places < op->input_places ? places : op->input_places;
    lines = lines < op->input_lines ? lines : op->input_lines;
    plane += op->pad_lines * width + op->pad_places;
    for (; lines > 0; lines--, plane += width, input += op->input_line_step) {
        const int8_t *from = input;
        int8_t *to = plane;
        for (int32_t left = places; left > 0; left -= LANES) {
            mve_pred16_t lanes = vctp16q((uint32_t)left);
            vstrbq_p_s16(to, vldrbq_gather_offset_z_s16(from, offsets, lanes), lanes);
            from += LANES * step;
            to += LANES;
        }
    }
}

/** The inputs of four outputs in a line: of the kernel's first and second column, of its third. */
struct four {
    uint16x8_t two, third; /**< Their places, then their offsets. */
};

/** Those that are in the image, of an output that begins at place `first`. */
struct inside {
    mve_pred16_t two, third;
};

static struct inside inside_at(const struct depthwise_planes_s8 *op, struct four places,
                               int32_t first) {
    const uint16x8_t last = vdupq_n_u16((uint16_t)(op->input_places - 1));
    const uint16_t from = (uint16_t)first; /* before the first one are very large ones */
    return (struct inside){
        .two = vcmpcsq_u16(last, vaddq_n_u16(places.two, from)),
        .third = vcmpcsq_m_u16(last, vaddq_n_u16(places.third, from), vctp16q(LANES / 2)),
    };
}

static inline void fill_four(int8_t *plane, const int8_t *input, struct four offsets,
                             struct inside inside) {
    int16x8_t two = vldrbq_gather_offset_z_s16(input, offsets.two, inside.two);
    vstrbq_p_s16(plane, two, inside.two);
    int16x8_t third = vldrbq_gather_offset_z_s16(input, offsets.third, inside.third);
    vstrbq_p_s16(plane + LANES, third, inside.third);
}

/** Makes `lines` lines of one channel's plane for a stride of 2, from line `line` of the image on;
 * what is beside the image in a line is there. */
static void fill_band(const struct depthwise_planes_s8 *op, const int8_t *input, int32_t line,
                      int8_t *plane, int32_t lines) {
    static const uint16_t columns[2][LANES] = {{0, 2, 4, 6, 1, 3, 5, 7}, {2, 4, 6, 8, 2, 4, 6, 8}};
    const struct four places = {vldrhq_u16(columns[0]), vldrhq_u16(columns[1])};
    const uint16_t step = (uint16_t)op->input_place_step;
    const struct four offsets = {vmulq_n_u16(places.two, step), vmulq_n_u16(places.third, step)};
    const int32_t fours = op->width / FOUR_BYTES, start = -op->pad_places;
    const struct inside first = inside_at(op, places, start);
    const struct inside last = inside_at(op, places, start + (fours - 1) * LANES);
    const struct inside all = {UINT16_MAX, vctp16q(LANES / 2)};
    input += line * op->input_line_step + start * step;
    for (; lines > 0; lines--, line++, input += op->input_line_step) {
        if (line < 0 || line >= op->input_lines) {
            memset(plane, op->input_zero_point, (size_t)op->width);
            plane += op->width;
            continue;
        }
        const int8_t *from = input;
        int32_t inner = fours - 1;
        if (start < 0 && inner > 0) {
            fill_four(plane, from, offsets, first);
            plane += FOUR_BYTES;
            from += LANES * step;
            inner--;
        }
        for (; inner > 0; inner--) {
            fill_four(plane, from, offsets, all);
            plane += FOUR_BYTES;
            from += LANES * step;
        }
        fill_four(plane, from, offsets, last);
        plane += FOUR_BYTES;
    }
}

void depthwise_planes_s8(const struct depthwise_planes_s8 *op, const int8_t *input, int8_t *output,
                         int8_t *scratch) {
    bool twice = op->stride == 2;
    void (*const convolve_band)(struct channel *, const int32_t *) =
        twice ? (op->is_signed ? convolve_2_signed : convolve_2)
              : (op->is_signed ? convolve_signed : convolve);
    const int8_t *end = scratch + ((op->band - 1) * op->stride + KERNEL) * op->width;
    for (int8_t *place = scratch; place < end; place += CHUNK) {
        vstrbq_s8(place, vdupq_n_s8((int8_t)op->input_zero_point));
    }
    const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)op->output_place_step);
    struct channel facts = {.width = op->width,
                            .places = op->output_places,
                            .line_step = op->output_line_step,
                            .zero_point = op->output_zero_point,
                            .place_step_4 = 4 * op->output_place_step};
    vstrwq_u32(facts.places_4, places);
    for (int32_t channel = 0; channel < op->channels; channel++) {
        for (int32_t top = 0; top < op->output_lines; top += op->band) {
            int32_t lines = op->output_lines - top < op->band ? op->output_lines - top : op->band;
            if (twice) {
                fill_band(op, input + channel, 2 * top - op->pad_lines, scratch, 2 * lines + 1);
            } else {
                fill_plane(op, input + channel, scratch);
            }
            facts.plane = scratch;
            facts.lines = lines;
            facts.output = output + channel + top * op->output_line_step;
            convolve_band(&facts, op->stream + channel * CHANNEL_WORDS);
        }
    }
    clamp_s8(output, op->output_lines * op->output_places * op->channels, op->activation_min,
             op->activation_max);
}
