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

/** The part of a window that lies in the image, along one axis: from `first` to before `end`. */
struct span {
    int32_t first, end;
};

static inline struct span span_of(int32_t output, int32_t stride, int32_t pad, int32_t kernel,
                                  int32_t input) {
    int32_t first = output * stride - pad;
    return (struct span){larger(first, 0), smaller(first + kernel, input)};
}

#endif
