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
volatile uint32_t counter;
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

/* RTT: what comes down goes up, until the UART has a byte. The rings lie between guards. */

struct channel {
    const char *name;
    volatile uint8_t *bytes;
    volatile uint32_t size, write, read, flags;
};

struct {
    char id[16];
    volatile uint32_t up_channels, down_channels;
    struct channel up, down;
} _SEGGER_RTT;

#define RING_BYTES 16384u
#define GUARD      0xa5

static _Alignas(4) volatile uint8_t rings[2][RING_BYTES + 8];

static void open_channel(struct channel *channel, volatile uint8_t *ring, uint32_t odd,
                         uint32_t size) {
    for (uint32_t i = 0; i < RING_BYTES + 8; i++)
        ring[i] = GUARD;
    *channel = (struct channel){0, ring + 4 + odd, size, 0, 0, 2};
}

static void open_rtt(uint32_t odd, uint32_t up_size, uint32_t down_size) {
    open_channel(&_SEGGER_RTT.up, rings[0], odd, up_size);
    open_channel(&_SEGGER_RTT.down, rings[1], odd, down_size);
    _SEGGER_RTT.up_channels = _SEGGER_RTT.down_channels = 1;
    for (int i = 0; i < 16; i++)
        _SEGGER_RTT.id[i] = i < 10 ? "SEGGER RTT"[i] : 0;
    print("rtt ", down_size);
}

static uint32_t after(const struct channel *channel, uint32_t offset) {
    return offset + 1 == channel->size ? 0 : offset + 1;
}

static void echo_rtt(void) {
    struct channel *up = &_SEGGER_RTT.up, *down = &_SEGGER_RTT.down;
    while (!(uart0->state & 2)) {
        if (down->read != down->write && after(up, up->write) != up->read) {
            up->bytes[up->write] = down->bytes[down->read];
            up->write = after(up, up->write);
            down->read = after(down, down->read);
        }
    }
}

/* How many bytes outside the rings are not as they were. */
static uint32_t guards_broken(void) {
    const struct channel *channels[] = {&_SEGGER_RTT.up, &_SEGGER_RTT.down};
    uint32_t broken = 0;
    for (int c = 0; c < 2; c++)
        for (uint32_t i = 0; i < RING_BYTES + 8; i++)
            if (&rings[c][i] < channels[c]->bytes ||
                &rings[c][i] >= channels[c]->bytes + channels[c]->size)
                broken += rings[c][i] != GUARD;
    return broken;
}

static void count(void) {
    while (!(uart0->state & 2))
        counter++;
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
        case 'C':
            count();
            break;
        case 'R': /* odd rings */
            open_rtt(1, 61, 251);
            echo_rtt();
            break;
        case 'W': /* wide rings */
            open_rtt(0, 1024, RING_BYTES);
            echo_rtt();
            break;
        case 'G':
            print("guards ", guards_broken());
            break;
        case 'u': /* from here on: what only a broken device does */
            _SEGGER_RTT.up.write = 0x80000000;
            break;
        case 'd':
            _SEGGER_RTT.down.read = _SEGGER_RTT.down.size;
            break;
        case 'n':
            _SEGGER_RTT.up_channels = 0x7fffffff;
            break;
        case 'p':
            _SEGGER_RTT.down.bytes = (volatile uint8_t *)0x203ffff0;
            break;
        case 'z':
            _SEGGER_RTT.down.size = 0;
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
