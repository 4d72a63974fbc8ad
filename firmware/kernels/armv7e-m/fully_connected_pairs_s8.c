/*
 * FULLY_CONNECTED with the weights of two outputs in a word, in blocks of four outputs: one LDM
 * loads four words of weights, of which one SXTB16 each and two SMLAD make 16 products.
 */
#include "fully_connected_pairs_s8.h"

#include <string.h>

#include "simd32.h"

enum { BLOCK = 4, UNROLL = 8 };

/** What the assembly below gets; it knows the offsets. */
struct block {
    const void *inputs, *inputs_end; /**< Widened, or bytes. */
    uint32_t skip;                   /**< Bytes of code to leave out of the first round. */
    int32_t direct;
    int8_t *output, *end; /**< Four more at a time. */
    int32_t is_signed;
    const int32_t *stream, *finish;
};

/* clang-format off */
/* Two inputs and a pair of outputs: r12 the weights of the first one, `word` of both. */
#define PAIR(x, word, first, both)                                                                 \
    "sxtb16 r12, " word "\n\t"                                                                     \
    "smlad " both ", " x ", " word ", " both "\n\t"                                                \
    "smlad " first ", " x ", r12, " first "\n\t"
/* Four inputs: in r3 and lr. */
#define STEP                                                                                       \
    "ldm r1!, {r8, r9, r10, r11}\n\t"                                                              \
    PAIR("r3", "r8", "r4", "r5") PAIR("r3", "r9", "r6", "r7")                                      \
    PAIR("lr", "r10", "r4", "r5") PAIR("lr", "r11", "r6", "r7")
#define WIDE_STEP "ldrd r3, lr, [r0], #8\n\t" STEP
#define BYTES_STEP "ldr.w r3, [r0], #4\n\t" "sxtb16 lr, r3, ror #8\n\t" "sxtb16 r3, r3\n\t" STEP
enum { WIDE_BYTES = 14 * 4, DIRECT_BYTES = 16 * 4 }; /* code of a step */
#define TIMES_8(step) step step step step step step step step
#define SIGN(sum, multiplier, addend)                                                              \
    "smmlar r12, " sum ", " multiplier ", " addend "\n\t"                                          \
    "add " sum ", r12, " sum ", asr #31\n\t"
#define SHIFT(sum, right)                                                                          \
    "asr " sum ", " sum ", " right "\n\t"                                                          \
    "ssat " sum ", #8, " sum "\n\t"
static __attribute__((naked, noinline)) const int32_t *connect(const struct block *facts) {
    (void)facts;
    __asm volatile(
        "push {r4-r11, lr}\n\t"
        "sub sp, #36\n\t"
        "ldm r0, {r4-r12}\n\t"
        "mov r1, r11\n\t"
        /* r6: where to enter the loop. Bit 0 is that of Thumb. */
        "adr.w r2, 1f\n\t"
        "cmp r7, #0\n\t"
        "it ne\n\t"
        "adrne.w r2, 2f\n\t"
        "add r6, r2\n\t"
        "orr r6, #1\n\t"
        "str r12, [sp, #28]\n\t"
        "stm sp, {r4-r10}\n"
        "3:\n\t" /* for each four outputs */
        "ldm r1!, {r4-r7}\n\t"
        "ldrd r0, r2, [sp]\n\t"
        "ldr pc, [sp, #8]\n\t"
        ".balign 4\n"
        "1:\n\t" TIMES_8(WIDE_STEP)
        "cmp r0, r2\n\t"
        "bne.w 1b\n\t"
        "b.w 4f\n\t"
        ".balign 4\n"
        "2:\n\t" TIMES_8(BYTES_STEP)
        "cmp r0, r2\n\t"
        "bne.w 2b\n"
        "4:\n\t" /* all four sums, doubled */
        "sub r5, r4\n\t"
        "sub r7, r6\n\t"
        "asr r5, r5, #7\n\t"
        "asr r7, r7, #7\n\t"
        "lsl r4, r4, #1\n\t"
        "lsl r6, r6, #1\n\t"
        /* r0: the constants of these four, or of any. */
        "ldrd r12, r0, [sp, #24]\n\t"
        "cmp r0, #0\n\t"
        "itt eq\n\t"
        "moveq r0, r1\n\t"
        "addeq r1, #48\n\t"
        "cmp r12, #0\n\t"
        "ldm r0!, {r2, r3, r8, r9, r10, r11, r12, lr}\n\t"
        "bne 5f\n\t"
        "smmlar r4, r4, r2, r3\n\t"
        "smmlar r5, r5, r8, r9\n\t"
        "smmlar r6, r6, r10, r11\n\t"
        "smmlar r7, r7, r12, lr\n\t"
        "6:\n\t"
        "ldm r0, {r8-r11}\n\t"
        SHIFT("r4", "r8") SHIFT("r5", "r9") SHIFT("r6", "r10") SHIFT("r7", "r11")
        "ldrd r2, r3, [sp, #16]\n\t"
        "bfi r4, r5, #8, #8\n\t"
        "bfi r4, r6, #16, #8\n\t"
        "bfi r4, r7, #24, #8\n\t"
        "str r4, [r2], #4\n\t"
        "str r2, [sp, #16]\n\t"
        "cmp r2, r3\n\t"
        "bne.w 3b\n\t"
        "mov r0, r1\n\t"
        "add sp, #36\n\t"
        "pop {r4-r11, pc}\n"
        "5:\n\t"
        "str r0, [sp, #32]\n\t"
        "smmlar r0, r7, r12, lr\n\t"
        "add r7, r0, r7, asr #31\n\t"
        SIGN("r4", "r2", "r3") SIGN("r5", "r8", "r9") SIGN("r6", "r10", "r11")
        "ldr r0, [sp, #32]\n\t"
        "b 6b");
}
/* clang-format on */

/** Widens `count` inputs, rounded up to 4 with zeros; returns their end. */
static int32_t *widen(int32_t *wide, const int8_t *inputs, int32_t count) {
    for (; count >= 4; count -= 4, inputs += 4) {
        bytes4 bytes = load_bytes(inputs);
        *wide++ = (int32_t)even_bytes(bytes);
        *wide++ = (int32_t)odd_bytes(bytes);
    }
    if (count > 0) {
        bytes4 bytes = 0;
        memcpy(&bytes, inputs, (size_t)count);
        *wide++ = (int32_t)even_bytes(bytes);
        *wide++ = (int32_t)odd_bytes(bytes);
    }
    return wide;
}

static void connect_row(const struct fully_connected_pairs_s8 *op, struct block facts,
                        int8_t *output) {
    int32_t rest = op->outputs % BLOCK;
    facts.output = output;
    facts.end = output + (op->outputs - rest);
    if (facts.output != facts.end) {
        facts.stream = connect(&facts);
    }
    if (rest > 0) {
        int8_t last[BLOCK];
        output = facts.end;
        facts.output = last;
        facts.end = last + BLOCK;
        connect(&facts);
        memcpy(output, last, (size_t)rest);
    }
}

void fully_connected_pairs_s8(const struct fully_connected_pairs_s8 *op, const int8_t *input,
                              int8_t *output, int8_t *scratch) {
    uint32_t quads = (uint32_t)(op->inputs + 3) / 4;
    struct block facts = {
        .skip = -quads % UNROLL * (op->direct ? DIRECT_BYTES : WIDE_BYTES),
        .direct = op->direct,
        .is_signed = op->rounding == ROUND_SIGNED,
        .stream = op->stream,
        .finish = op->finish,
    };
    for (int32_t row = 0; row < op->rows; row++) {
        const int8_t *bytes = input + row * op->inputs;
        if (op->direct) {
            facts.inputs = bytes;
            facts.inputs_end = bytes + op->inputs;
        } else {
            int32_t *wide = (int32_t *)(void *)scratch;
            facts.inputs = wide;
            facts.inputs_end = widen(wide, bytes, op->inputs);
        }
        connect_row(op, facts, output + row * op->outputs);
    }
    clamp_s8(output, op->rows * op->outputs, op->activation_min, op->activation_max);
}
