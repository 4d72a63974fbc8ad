/* Moments: nanoseconds of CLOCK_MONOTONIC. */
#ifndef TINYHIL_HOST_MOMENT_H
#define TINYHIL_HOST_MOMENT_H

#include <stdint.h>
#include <time.h>

#define MOMENT_NEVER INT64_MAX
#define NS_A_US      INT64_C(1000)
#define NS_A_S       INT64_C(1000000000)

static inline int64_t moment_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * NS_A_S + time.tv_nsec;
}

static inline int64_t moment_earlier(int64_t one, int64_t other) {
    return one < other ? one : other;
}

static inline int64_t moment_later(int64_t one, int64_t other) {
    return one > other ? one : other;
}

#endif
