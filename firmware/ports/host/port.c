/* The port of a device that is a process on this machine.
 *
 * The device's clock, `now`, is a moment of the machine's clock that never passes it by more than
 * the line's slack.  Computing takes no time on it: it is set to the moments of what happens,
 * and the machine's clock is waited for.  So a timed region lasts exactly as long as what it waits
 * for, however late the process is woken up, and the device is in time again afterwards.
 *
 * There is one thread.  An interrupt is a call of `tinyhil_receive` while the firmware waits. */
#include "port.h"

#include <sys/prctl.h>

#include "device.h"
#include "moment.h"
#include "rtt.h"
#include "tinyhil.h"

#define TICK_HZ     1000000u
#define UART_HZ     48000000u
#define DIVIDER_MIN 16u
#define UART_BYTES  16u    /* What the receiver holds while interrupts are masked. */
#define STACK_WORDS 16384u /* Of the process's stack, taken for the device's. */
#define ASKING_NS   10000  /* What asking for the time takes in a loop that does nothing else. */

static struct device_options options;
static int64_t now;
static int64_t skipped;   /* What the clock has jumped over. */
static int64_t restarted; /* What it showed at the ticks' last restart. */
static bool masked;
static struct {
    uint32_t count;
    uint8_t bytes[UART_BYTES];
} held; /* By the receiver. */
static uint32_t *stack_top;

uint32_t device_boot_baud;

void device_configure(const struct device_options *wanted) {
    options = *wanted;
    device_boot_baud = options.line.baud;
}

void port_init(void) {
    stack_top = __builtin_frame_address(0);
    /* By default the kernel may wake us up 50 us late, five bytes at 1 MBd. */
    prctl(PR_SET_TIMERSLACK, 1ul);
    line_open(&options.line);
    now = moment_now();
}

/* Serves the next byte, if it is whole by `moment`.  A receiver that is full loses it, but where
 * nothing takes time, the line waits instead. */
static bool serve(int64_t moment) {
    int64_t whole;
    if (!line_next(&whole) || whole > moment || (masked && !options.line.paced)) {
        return false;
    }
    uint8_t byte = line_take();
    now = moment_later(now, whole);
    if (!masked) {
        tinyhil_receive(byte);
    } else if (held.count < UART_BYTES) {
        held.bytes[held.count++] = byte;
    }
    return true;
}

static bool serve_held(void) {
    uint32_t count = held.count;
    held.count = 0;
    for (uint32_t i = 0; i < count; i++) {
        tinyhil_receive(held.bytes[i]);
    }
    return count != 0u;
}

/* Waits until the device's clock shows `moment` and the line has room. */
static void pass(int64_t moment) {
    for (;;) {
        int64_t real = moment_now();
        line_exchange(real);
        while (serve(moment_earlier(moment, real))) {
        }
        if (real < moment) {
            line_wait(real, moment);
        } else if (line_is_full()) {
            line_wait(real, MOMENT_NEVER);
        } else {
            break;
        }
    }
    now = moment_later(now, moment);
}

void port_wait_for_interrupt(void) {
    static int64_t real; /* As of late: what was due then needs no look at the clock. */
    bool state = masked;
    masked = false; /* The interrupt that ends the sleep is served in it. */
    while (!serve_held() && !serve(real)) {
        real = moment_now();
        line_exchange(real);
        int64_t next;
        if (!line_next(&next) || next > real) {
            line_wait(real, line_patience());
        }
    }
    masked = state;
}

void port_transmit(uint8_t byte) {
    /* The transmitter holds one byte while the one before it leaves. */
    now = moment_later(now, line_free_at());
    line_send(byte, now);
    if (now > moment_now() + line_slack() || line_is_full()) {
        pass(now);
    }
}

void port_transmit_flush(void) {
    pass(moment_later(now, line_free_at()));
}

bool port_baud_supported(uint32_t baud) {
    uint32_t divider = (uint32_t)(((uint64_t)UART_HZ + baud / 2u) / baud);
    uint64_t wanted = (uint64_t)divider * baud;
    uint64_t error = wanted > UART_HZ ? wanted - UART_HZ : UART_HZ - wanted;
    return divider >= DIVIDER_MIN && error * 50u <= wanted;
}

void port_set_baud(uint32_t baud) {
    port_transmit_flush();
    line_set_baud(baud);
}

void device_infer(void) {
    int64_t length = options.infer_us * NS_A_US;
    if (options.no_wait) {
        skipped += length;
    } else {
        pass(now + length);
    }
}

uint32_t port_tick_hz(void) {
    return TICK_HZ;
}

void port_ticks_restart(void) {
    restarted = now + skipped;
}

uint64_t port_ticks(void) {
    static int64_t told;
    if (now == told && !masked) {
        pass(now + ASKING_NS); /* Else a loop that waits for a moment would wait forever. */
    }
    told = now;
    return (uint64_t)(now + skipped - restarted) / (NS_A_S / TICK_HZ);
}

uint32_t port_interrupts_mask(void) {
    bool state = masked;
    masked = true;
    return state;
}

void port_interrupts_restore(uint32_t state) {
    masked = state != 0u;
    if (!masked) {
        serve_held();
    }
}

void port_timestamp_edge(void) {
    /* A process has no pin. */
}

uint32_t device_variant(void) {
    return options.variant;
}

const uint8_t *port_build_id(void) {
    return options.build_id;
}

uint32_t *port_stack_limit(void) {
    return stack_top - STACK_WORDS;
}

uint32_t *port_stack_top(void) {
    return stack_top;
}

/* Frames through a debug probe: a process has none, so nothing ever comes; only the UART's
 * interrupt can end the wait of the core, which asks again and again. */

void hil_rtt_init(void) {
}

void hil_rtt_open(uint8_t *bytes, uint32_t size) {
    (void)bytes, (void)size;
}

void hil_rtt_close(void) {
}

bool hil_rtt_take(uint8_t *byte) {
    (void)byte;
    port_wait_for_interrupt();
    return false;
}

bool hil_rtt_put(uint8_t byte) {
    (void)byte;
    port_wait_for_interrupt();
    return false;
}
