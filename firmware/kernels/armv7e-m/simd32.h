/*
 * Two 16-bit numbers in a 32-bit register: what Armv7E-M (Cortex-M4 and later) multiplies and adds
 * two at a time. The lower half holds the first number.
 */
#ifndef TINYHIL_SIMD32_H
#define TINYHIL_SIMD32_H

#include <arm_acle.h>
#include <stdint.h>
#include <string.h>

/** Two 16-bit numbers, or four bytes, in memory that is aligned to 4. */
typedef int16x2_t __attribute__((may_alias)) pair16;
typedef uint32_t __attribute__((may_alias)) bytes4;

/** The same of bytes that may be unaligned. */
static inline bytes4 load_bytes(const int8_t *bytes) {
    bytes4 word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/** Bytes 0 and 2, widened. */
static inline int16x2_t even_bytes(bytes4 bytes) {
    return __sxtb16(bytes);
}

/** Bytes 1 and 3, widened. The compiler has no name for the rotation. */
static inline int16x2_t odd_bytes(bytes4 bytes) {
    int16x2_t result;
    __asm("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(bytes));
    return result;
}

/** sum + the products of both halves. */
static inline int32_t multiply_add(int16x2_t a, int16x2_t b, int32_t sum) {
    return __smlad(a, b, sum);
}

/** Upper word of a * b, to the nearest, plus `sum`. The compiler has no name for it. */
static inline int32_t multiply_upper(int32_t a, int32_t b, int32_t sum) {
    int32_t result;
    __asm("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/** Bytes 0 and 1, widened. */
static inline int16x2_t lower_pair(bytes4 bytes) {
    uint32_t even = (uint32_t)even_bytes(bytes), odd = (uint32_t)odd_bytes(bytes);
    return (int16x2_t)((even & 0xffffu) | odd << 16);
}

/** Bytes 2 and 3, widened. */
static inline int16x2_t upper_pair(bytes4 bytes) {
    uint32_t even = (uint32_t)even_bytes(bytes), odd = (uint32_t)odd_bytes(bytes);
    return (int16x2_t)((odd & 0xffff0000u) | even >> 16);
}

#endif
