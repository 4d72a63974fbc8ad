/*
 * DEPTHWISE_CONV_2D on planes of 16-bit numbers, two of them in a word.
 *
 * The planes of four channels are made at once, as their inputs come in one word, or of two, and
 * hold as many lines as one band of outputs needs; those that the next band needs too are kept, so
 * that outputs can be written over inputs. The inner loop is assembly since it needs every
 * register.
 */
#include "depthwise_pairs_s8.h"

#include <string.h>

#include "simd32.h"

enum { MOST = 4, KERNEL = 3, CHANNEL_WORDS = 9 };

/** What the assembly below gets, on its stack too; it knows the offsets. */
struct band {
    int32_t multiplier, addend;
    int32_t place_step;
    const int32_t *end; /**< Of what the loop reads of a line; set anew for each. */
    int32_t start[2];   /**< The sum to start with, twice. */
    int32_t loop_bytes; /**< That the loop reads of a line. */
    int32_t lines;
    int32_t next_line, next_output; /**< Bytes from a line's end to the next one. */
    int32_t odd;                    /**< 1: one more output in each line. */
};

/* clang-format off */
/* One line of the kernel: two outputs, r12 and lr, of the places x0 to x3; a = (w0, w1), b = (w1, w2). */
#define PAIR_LINE(line, a, b)                                                                      \
    "ldrd r10, r11, [" line "], #4\n\t"                                                            \
    "smlad r12, r10, " a ", r12\n\t"  /* x0 w0 + x1 w1 */                                          \
    "smlatb lr, r10, " a ", lr\n\t"   /* x1 w0 */                                                  \
    "smlabt r12, r11, " b ", r12\n\t" /* x2 w2 */                                                  \
    "smlad lr, r11, " b ", lr\n\t"    /* x2 w1 + x3 w2 */
#define ONE_LINE(line, a, b)                                                                       \
    "ldrd r10, r11, [" line "], #4\n\t"                                                            \
    "smlad r12, r10, " a ", r12\n\t"                                                               \
    "smlabt r12, r11, " b ", r12\n\t"
#define ONE                                                                                        \
    "ldr r12, [sp, #16]\n\t"                                                                       \
    ONE_LINE("r0", "r4", "r7") ONE_LINE("r1", "r5", "r8") ONE_LINE("r2", "r6", "r9")               \
    "ldrd r10, r11, [sp]\n\t"                                                                      \
    "smmla r12, r12, r10, r11\n\t"                                                                 \
    "ssat r12, #8, r12, asr #10\n\t"                                                               \
    "ldrd r10, r11, [sp, #8]\n\t"                                                                  \
    "strb r12, [r3]\n\t"                                                                           \
    "add r3, r10\n\t"
#define BEGIN /* r0 to r2: lines of the plane; r3: output; r4 to r9: weights */                    \
    "push {r4-r11, lr}\n\t"                                                                        \
    "sub sp, #44\n\t"                                                                              \
    "ldm r0!, {r4-r12}\n\t"                                                                        \
    "stm sp, {r4-r12}\n\t"                                                                         \
    "ldrd r4, r5, [r0]\n\t"                                                                        \
    "strd r4, r5, [sp, #36]\n\t"                                                                   \
    "ldr r12, [sp, #80]\n\t"                                                                       \
    "mov r0, r1\n\t"                                                                               \
    "add r1, r0, r2\n\t"                                                                           \
    "add r2, r1\n\t"                                                                               \
    "ldm r12, {r4-r9}\n"                                                                           \
    "1:\n\t" /* a line */                                                                          \
    "ldr r10, [sp, #24]\n\t"                                                                       \
    "add r10, r0\n\t"                                                                              \
    "str r10, [sp, #12]\n"                                                                         \
    "2:\n\t"
#define END                                                                                        \
    "ldrd r10, r11, [sp, #32]\n\t"                                                                 \
    "add r0, r10\n\t"                                                                              \
    "add r1, r10\n\t"                                                                              \
    "add r2, r10\n\t"                                                                              \
    "add r3, r11\n\t"                                                                              \
    "ldr r10, [sp, #28]\n\t"                                                                       \
    "subs r10, #1\n\t"                                                                             \
    "str r10, [sp, #28]\n\t"                                                                       \
    "bne.w 1b\n\t"                                                                                 \
    "add sp, #44\n\t"                                                                              \
    "pop {r4-r11, pc}"

/** Outputs of one channel's band: `plane` has lines of `line_bytes`. */
typedef void convolve_band(const struct band *facts, const int32_t *plane, int32_t line_bytes,
                           int8_t *output, const int32_t *weights);

static __attribute__((naked, noinline)) void
stride_1(const struct band *facts, const int32_t *plane, int32_t line_bytes, int8_t *output,
         const int32_t *weights) {
    (void)facts, (void)plane, (void)line_bytes, (void)output, (void)weights;
    __asm volatile(
        BEGIN
        "ldrd r12, lr, [sp, #16]\n\t"
        PAIR_LINE("r0", "r4", "r7") PAIR_LINE("r1", "r5", "r8") PAIR_LINE("r2", "r6", "r9")
        "ldrd r10, r11, [sp]\n\t"
        "smmla r12, r12, r10, r11\n\t"
        "smmla lr, lr, r10, r11\n\t"
        "ldrd r10, r11, [sp, #8]\n\t"
        "ssat r12, #8, r12, asr #10\n\t"
        "ssat lr, #8, lr, asr #10\n\t"
        "strb r12, [r3]\n\t"
        "strb lr, [r3, r10]\n\t"
        "add r3, r3, r10, lsl #1\n\t"
        "cmp r0, r11\n\t"
        "bne.w 2b\n\t"
        "ldr r10, [sp, #40]\n\t"
        "cmp r10, #0\n\t"
        "beq 3f\n\t"
        ONE
        "3:\n\t"
        END);
}

static __attribute__((naked, noinline)) void
stride_2(const struct band *facts, const int32_t *plane, int32_t line_bytes, int8_t *output,
         const int32_t *weights) {
    (void)facts, (void)plane, (void)line_bytes, (void)output, (void)weights;
    __asm volatile(
        BEGIN
        ONE
        "cmp r0, r11\n\t"
        "bne.w 2b\n\t"
        END);
}

/**
 * Makes words of two neighbouring places of four channels, from `words` to `end`, `plane` bytes
 * apart for each channel. Returns the input behind them.
 */
static inline const int8_t *widen_fours(const int8_t *input, int32_t step, int32_t *words,
                                        const int32_t *end, int32_t plane) {
    int32_t planes_3 = 3 * plane;
    __asm volatile("1:\n\t"
                   "ldr r4, [%[input]]\n\t"
                   "ldr r5, [%[input], %[step]]\n\t"
                   "add %[input], %[input], %[step], lsl #1\n\t"
                   "pkhbt r6, r4, r5, lsl #16\n\t" /* bytes 0 and 1 of both */
                   "pkhtb r5, r5, r4, asr #16\n\t" /* bytes 2 and 3 */
                   "sxtb16 r4, r6\n\t"
                   "sxtb16 r6, r6, ror #8\n\t"
                   "str r6, [%[words], %[plane]]\n\t"
                   "sxtb16 r6, r5\n\t"
                   "str r6, [%[words], %[plane], lsl #1]\n\t"
                   "sxtb16 r5, r5, ror #8\n\t"
                   "str r5, [%[words], %[planes_3]]\n\t"
                   "str r4, [%[words]], #4\n\t"
                   "cmp %[words], %[end]\n\t"
                   "bne 1b"
                   : [input] "+r"(input), [words] "+r"(words)
                   : [step] "r"(step), [end] "r"(end), [plane] "r"(plane),
                     [planes_3] "r"(planes_3)
                   : "r4", "r5", "r6", "cc", "memory");
    return input;
}

/** The same of two channels. */
static inline const int8_t *widen_twos(const int8_t *input, int32_t step, int32_t *words,
                                       const int32_t *end, int32_t plane) {
    __asm volatile("1:\n\t"
                   "ldrh r4, [%[input]]\n\t"
                   "ldrh r5, [%[input], %[step]]\n\t"
                   "add %[input], %[input], %[step], lsl #1\n\t"
                   "orr r4, r4, r5, lsl #16\n\t"
                   "sxtb16 r5, r4, ror #8\n\t"
                   "sxtb16 r4, r4\n\t"
                   "str r5, [%[words], %[plane]]\n\t"
                   "str r4, [%[words]], #4\n\t"
                   "cmp %[words], %[end]\n\t"
                   "bne 1b"
                   : [input] "+r"(input), [words] "+r"(words)
                   : [step] "r"(step), [end] "r"(end), [plane] "r"(plane)
                   : "r4", "r5", "cc", "memory");
    return input;
}
/* clang-format on */

/** The same of a single word, of places that need not be neighbours. */
static inline void place_word(const int8_t *low, const int8_t *high, int32_t *words,
                              int32_t plane_words, int32_t group) {
    bytes4 lower;
    if (group == MOST) {
        bytes4 first = load_bytes(low), second = load_bytes(high);
        lower = (first & 0xffffu) | second << 16;
        bytes4 upper = first >> 16 | (second & 0xffff0000u);
        words[2 * plane_words] = (int32_t)even_bytes(upper);
        words[3 * plane_words] = (int32_t)odd_bytes(upper);
    } else {
        uint16_t first, second;
        memcpy(&first, low, sizeof first);
        memcpy(&second, high, sizeof second);
        lower = first | (uint32_t)second << 16;
    }
    words[0] = (int32_t)even_bytes(lower);
    words[plane_words] = (int32_t)odd_bytes(lower);
}

/** Makes one line of a group's planes: `input` is the line's first place, or NULL beside the image.
 */
static void make_line(const struct depthwise_pairs_s8 *op, const int8_t *input, int32_t *words,
                      int32_t plane_words) {
    int8_t padding[MOST];
    memset(padding, op->input_zero_point, sizeof padding);
    int32_t *last = words + op->words;
    if (input) {
        int32_t step = op->input_place_step, places = op->input_places;
        if (op->pad_places) {
            place_word(padding, input, words++, plane_words, op->group);
            input += step;
            places--;
        }
        int32_t whole = places / 2;
        int32_t *end = last - words < whole ? last : words + whole;
        if (words < end) {
            input = op->group == MOST ? widen_fours(input, step, words, end, 4 * plane_words)
                                      : widen_twos(input, step, words, end, 4 * plane_words);
        }
        words = end;
        if (words < last && places % 2) {
            place_word(input, padding, words++, plane_words, op->group);
        }
    }
    uint32_t zero = (uint32_t)op->input_zero_point;
    int32_t both = (int32_t)((zero & 0xffffu) | zero << 16);
    for (; words < last; words++) {
        words[0] = words[plane_words] = both;
        if (op->group == MOST) {
            words[2 * plane_words] = words[3 * plane_words] = both;
        }
    }
}

/** One band of a group of channels, from output line `top` on. */
static void convolve_group(const struct depthwise_pairs_s8 *op, const int32_t *stream,
                           const int32_t *planes, int32_t plane_words, int8_t *output,
                           int32_t lines) {
    convolve_band *const convolve = op->stride == 1 ? stride_1 : stride_2;
    int32_t loops = op->stride == 1 ? op->output_places / 2 : op->output_places;
    int32_t odd = op->stride == 1 && op->output_places % 2;
    int32_t line_bytes = 4 * op->words;
    struct band facts = {
        .place_step = op->output_place_step,
        .loop_bytes = 4 * loops,
        .lines = lines,
        .next_line = op->stride * line_bytes - 4 * (loops + odd),
        .next_output = op->output_line_step - op->output_places * op->output_place_step,
        .odd = odd,
    };
    for (int32_t i = 0; i < op->group; i++, stream += CHANNEL_WORDS, planes += plane_words) {
        facts.start[0] = facts.start[1] = stream[0];
        facts.multiplier = stream[1];
        facts.addend = stream[2];
        convolve(&facts, planes, line_bytes, output + i, stream + 3);
    }
}

void depthwise_pairs_s8(const struct depthwise_pairs_s8 *op, const int8_t *input, int8_t *output,
                        int8_t *scratch) {
    int32_t *planes = (int32_t *)(void *)scratch;
    int32_t plane_lines = (op->band - 1) * op->stride + KERNEL;
    int32_t plane_words = op->words * plane_lines;
    int32_t shared = KERNEL - op->stride; /* lines that two bands need */
    for (int32_t group = 0; group < op->channels; group += op->group) {
        int32_t line = -op->pad_lines; /* of the input, the next to be made */
        for (int32_t top = 0; top < op->output_lines; top += op->band) {
            int32_t lines = op->output_lines - top < op->band ? op->output_lines - top : op->band;
            int32_t kept = top > 0 ? shared : 0;
            for (int32_t i = 0; i < op->group && kept > 0; i++) {
                int32_t *plane = planes + i * plane_words;
                memmove(plane, plane + (plane_lines - kept) * op->words,
                        (size_t)(4 * kept * op->words));
            }
            for (int32_t i = kept; i < (lines - 1) * op->stride + KERNEL; i++, line++) {
                const int8_t *first = line >= 0 && line < op->input_lines
                                          ? input + line * op->input_line_step + group
                                          : NULL;
                make_line(op, first, planes + i * op->words, plane_words);
            }
            convolve_group(op, op->stream + group * CHANNEL_WORDS, planes, plane_words,
                           output + top * op->output_line_step + group, lines);
        }
    }
    clamp_s8(output, op->output_lines * op->output_places * op->channels, op->activation_min,
             op->activation_max);
}
