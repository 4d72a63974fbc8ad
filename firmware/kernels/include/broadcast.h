/* Two inputs whose axes of one element are repeated. */
#ifndef TINYHIL_BROADCAST_H
#define TINYHIL_BROADCAST_H

#include <stdint.h>

/** A step is how far apart an input's neighbours are along an axis: 0 if it is repeated. */
struct broadcast {
    int32_t size[4]; /**< Of the output's axes. */
    int32_t first[4], second[4];
};

/** One step further along the three outer axes; 0 when all is done. `at` starts as zeros. */
static inline int broadcast_next(const struct broadcast *places, int32_t at[3]) {
    for (int axis = 2; axis >= 0; axis--) {
        if (++at[axis] < places->size[axis]) {
            return 1;
        }
        at[axis] = 0;
    }
    return 0;
}

/** Where a row begins. */
static inline int32_t broadcast_row(const int32_t steps[4], const int32_t at[3]) {
    return at[0] * steps[0] + at[1] * steps[1] + at[2] * steps[2];
}

#endif
