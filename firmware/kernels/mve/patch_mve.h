/* Rows of a patch, which a convolution gathers from under its window. */
#ifndef TINYHIL_PATCH_MVE_H
#define TINYHIL_PATCH_MVE_H

#include <arm_mve.h>
#include <stdint.h>

enum { VECTOR_BYTES = 16 };

/** Copies `count` bytes; returns where they end. */
static inline int8_t *place_run(int8_t *place, const int8_t *values, int32_t count) {
    int8_t *end = place + count;
    __asm volatile("wlstp.8 lr, %[count], 2f\n"
                   "1:\n\t"
                   "vldrb.8 q0, [%[values]], #16\n\t"
                   "vstrb.8 q0, [%[place]], #16\n\t"
                   "letp lr, 1b\n"
                   "2:"
                   : [place] "+r"(place), [values] "+r"(values)
                   : [count] "r"(count)
                   : "q0", "lr", "cc", "memory");
    return end;
}

/** Stores a value `count` times; returns where they end. */
static inline int8_t *place_padding(int8_t *place, int32_t value, int32_t count) {
    int8_t *end = place + count;
    for (; count > 0; count -= VECTOR_BYTES, place += VECTOR_BYTES) {
        vstrbq_p_s8(place, vdupq_n_s8((int8_t)value), vctp8q((uint32_t)count));
    }
    return end;
}

#endif
