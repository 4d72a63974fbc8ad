/* Times every kernel, by the linker's --wrap; all of them take six pointers or fewer. */
#ifndef BARE_H
#define BARE_H

#include <stdint.h>

#define TIME_KERNEL(name)                                                                          \
    void __real_##name(const void *, const void *, void *, void *, void *, void *);                \
    void __wrap_##name(const void *, const void *, void *, void *, void *, void *);                \
    void __wrap_##name(const void *a, const void *b, void *c, void *d, void *e, void *f) {         \
        uint32_t start = bare_ticks();                                                             \
        __real_##name(a, b, c, d, e, f);                                                           \
        bare_lap(bare_ticks() - start);                                                            \
    }

/** Since the inference began. */
uint32_t bare_ticks(void);

/** Notes what a kernel took. */
void bare_lap(uint32_t ticks);

#endif
