/* From bytes to words of two 16-bit numbers, in the order that pairs.h describes. */
#ifndef TINYHIL_WIDEN_H
#define TINYHIL_WIDEN_H

#include <stdint.h>

/**
 * Widens 4 * `quads` inputs of three pixels, interleaved word by word: a word of each pixel, then
 * the next one of each. Returns where they end.
 */
static inline int32_t *widen_3(const int8_t *a, const int8_t *b, const int8_t *c, int32_t *words,
                               int32_t quads) {
    const int32_t *end = words + 6 * quads;
    __asm volatile("1:\n\t"
                   "ldr r8, [%[a]], #4\n\t"
                   "ldr r9, [%[b]], #4\n\t"
                   "ldr r10, [%[c]], #4\n\t"
                   "sxtb16 r4, r8\n\t"
                   "sxtb16 r5, r9\n\t"
                   "sxtb16 r6, r10\n\t"
                   "sxtb16 r8, r8, ror #8\n\t"
                   "sxtb16 r9, r9, ror #8\n\t"
                   "sxtb16 r10, r10, ror #8\n\t"
                   "stm %[words]!, {r4, r5, r6, r8, r9, r10}\n\t"
                   "cmp %[words], %[end]\n\t"
                   "bne 1b"
                   : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [words] "+r"(words)
                   : [end] "r"(end)
                   : "r4", "r5", "r6", "r8", "r9", "r10", "cc", "memory");
    return words;
}

#endif
