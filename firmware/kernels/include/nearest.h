/* Floats to the nearest stored value. */
#ifndef TINYHIL_NEAREST_H
#define TINYHIL_NEAREST_H

#include <stdint.h>

/** The nearest integer, halves away from zero, of what is within 100,000 of zero; what is not a
 * number is the least. */
static inline int32_t nearest(float value) {
    if (!(value > -100000.0f)) {
        return -100000;
    }
    int32_t whole = (int32_t)(value < 100000.0f ? value : 100000.0f);
    float rest = value - (float)whole; /* exact */
    if (rest >= 0.5f) {
        return whole + 1;
    }
    return rest <= -0.5f ? whole - 1 : whole;
}

#endif
