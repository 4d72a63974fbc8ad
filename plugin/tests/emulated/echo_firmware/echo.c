/* Firmware for the tests of the emulated board: says hello, then does what single letters ask for.
 * It runs on every MPS2 machine that QEMU knows. */

#include <stdint.h>

struct uart {
    volatile uint32_t data, state, control, interrupt, divider;
};

struct timer {
    volatile uint32_t control, value, reload;
};

static struct uart *const uart0 = (struct uart *)0x40004000;
static struct timer *const timer0 = (struct timer *)0x40000000;

extern uint32_t __stack_top, __data_load, __data_start, __data_end;

uint32_t boots = 0xc0ffee00;
uint8_t arena[2000];

static void put(uint32_t byte) {
    while (uart0->state & 1) {
    }
    uart0->data = byte;
}

static uint32_t get(void) {
    while (!(uart0->state & 2)) {
    }
    return uart0->data & 0xff;
}

static void print(const char *text, uint32_t number) {
    while (*text)
        put((uint8_t)*text++);
    for (int shift = 28; shift >= 0; shift -= 4)
        put((uint8_t)"0123456789abcdef"[number >> shift & 15]);
    put('\r');
    put('\n');
}

__attribute__((noinline)) void timed_loop(void) {
    for (volatile int i = 0; i < 10000; i++) {
    }
}

static uint32_t ticks(void) {
    timer0->control = 0;
    timer0->reload = timer0->value = 0xffffffff;
    timer0->control = 1;
    uint32_t start = timer0->value;
    timed_loop();
    return start - timer0->value;
}

static void fault(void) {
    *(volatile uint32_t *)0xdddddddc = 1;
}

void reset(void) {
    for (uint32_t *to = &__data_start, *from = &__data_load; to < &__data_end;)
        *to++ = *from++;
    uart0->divider = 16;
    uart0->control = 3;
    print("hello ", boots++);
    for (;;) {
        switch (get()) {
        case 'T':
            print("ticks ", ticks());
            break;
        case 'L': /* the handler faults too: lockup */
            fault();
            break;
        case 'E':
            for (;;)
                put(get());
        default:
            break;
        }
    }
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
    &__stack_top, reset, fault, fault};
