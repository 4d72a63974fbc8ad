/* Where a window reaches over the edge of an image. */
#ifndef TINYHIL_WINDOW_H
#define TINYHIL_WINDOW_H

#include <stdint.h>

static inline int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

static inline int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

#endif
