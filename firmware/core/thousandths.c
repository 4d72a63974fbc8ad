#include "tinyhil.h"

#include <math.h>

int32_t hil_thousandths(float value) {
    float thousandths = rintf(value * 1000.0f);
    if (isnan(thousandths)) {
        return 0;
    }
    /* 2^31 is exact as a float, the largest int32_t is not. */
    if (thousandths >= 0x1p31f) {
        return INT32_MAX;
    }
    return thousandths <= -0x1p31f ? INT32_MIN : (int32_t)thousandths;
}
