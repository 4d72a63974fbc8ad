/* Feeds the firmware's core with what a wild host would send, millions of times, in one process.
 *
 * It is built with sanitizers, which end it at the first fault of memory or arithmetic.  Also,
 * the core's own state must keep its bounds, text must be printable, and after every input the
 * device must come back to text and answer, as FRAMES.md promises to a host that does not know its
 * state.
 *
 * Usage: fuzz FIRST COUNT; every input is made of its number alone, so FIRST and 1 show one again.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hil.h"
#include "model.h"
#include "port.h"
#include "receive.h"
#include "tinyhil.h"
#include "transport.h"

/* The real channels, with a probe before them that writes while the core polls. */
#define hil_rtt_take core_rtt_take
#define hil_rtt_put  core_rtt_put
#include "../../core/rtt.c"
#undef hil_rtt_take
#undef hil_rtt_put

#include "fuzz_input.h"

#undef main

#define INVOCATIONS_MAX 1100u /* Of one input; a device that infers for years is left alone. */
#define RECOVERIES      4u    /* How often a host tries; the rate may fall back in between. */
#define BURST_MAX   700u /* Bytes that come while the core is busy, at most; the ring has 512. */
#define STACK_WORDS 1024u
#define HANG_S      20u
#define REPORT      16384u /* Inputs between two lines that tell how far it is. */

static const char answered[] = "m-name-dut-[tinyhil]\r\nm-ready\r\n";

uint32_t device_boot_baud = 115200;

static struct hil context, fresh;
static int8_t arena[MODEL_ARENA_BYTES];
static uint8_t sample[HIL_STORAGE];
static uint8_t token[IDENTITY_TOKEN_BYTES];
static uint64_t number; /* Of the input at hand. */
static struct fuzz_input input, recovery;
static const struct fuzz_input *source;
static size_t position;
static uint32_t recoveries, invocations;
static char said[sizeof answered]; /* The last bytes that the device has sent, no terminator. */
static uint64_t ticks;
static uint32_t *stack_top;
static jmp_buf done;

static void show(void) {
    fprintf(stderr, "input %llu, %zu bytes: ", (unsigned long long)number, input.size);
    for (size_t i = 0; i < input.size; i++) {
        fprintf(stderr, "%02x", input.bytes[i]);
    }
    fprintf(stderr, "\n");
}

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    show();
    _exit(EXIT_FAILURE);
}

static void require(bool condition, const char *what) {
    if (!condition) {
        fail(what);
    }
}

/* What no input may break; sanitizers do not see a write from one member into the next. */
static void check(void) {
    const struct ring *ring = &context.received;
    bool queue_is_text = ring->bytes == context.text_queue && ring->size == HIL_TEXT_QUEUE;
    bool queue_is_input =
        ring->bytes == &context.input[HIL_QUEUE_OFFSET] && ring->size == HIL_QUEUE_SIZE;
    require(queue_is_text || queue_is_input, "the queue has left its memory");
    require(ring->head < ring->size && ring->tail < ring->size, "the queue's offsets are wrong");
    require(context.command_length < HIL_COMMAND_SIZE, "the command is too long");
    require(context.input_size <= HIL_INPUT_SIZE, "the input is too large");
    require(context.input_position <= context.input_size, "there is more input than its size");
    require(queue_is_text || context.input_size <= HIL_SAMPLE_BYTES, "the input is in the queue");
    require(queue_is_text || context.frames == &hil_transport_wire, "text queues in the input");
    require(context.token == token, "the token is lost");
    require(context.arena == arena && context.lap_count <= HIL_LAPS, "the state is destroyed");
    require(context.frames == NULL || context.frames == &hil_transport_wire ||
                context.frames == &hil_transport_probe,
            "the transport is not a known one");
}

static bool has_answered(void) {
    return memcmp(said, answered, sizeof answered - 1u) == 0;
}

/* More bytes when all have been taken: a host that wants to be understood, or no more. */
static void refill(void) {
    bool recovering = source == &recovery;
    if (recovering && has_answered()) {
        longjmp(done, 1);
    }
    require(!recovering || ++recoveries < RECOVERIES, "the device no longer answers");
    source = &recovery;
    position = 0;
}

void port_wait_for_interrupt(void) {
    check();
    if (position == source->size) {
        refill();
    }
    /* One by one when the answer counts: nothing may be lost then. */
    size_t burst = source == &recovery || !fuzz_chance(8) ? 1u : fuzz_below(BURST_MAX) + 1u;
    for (; burst != 0u && position < source->size; burst--) {
        hil_receive_byte(&context, source->bytes[position++]);
    }
}

static uint32_t any_offset(uint32_t size) {
    return fuzz_chance(4) ? 1u << fuzz_below(32) : fuzz_below(size + 2u);
}

bool hil_rtt_take(uint8_t *byte) {
    struct channel *down = &_SEGGER_RTT.down[0];
    check();
    if (position == source->size || source == &recovery || fuzz_chance(256)) {
        port_wait_for_interrupt(); /* The host types instead. */
    } else if (fuzz_chance(256)) {
        down->write = any_offset(down->size);
        down->read = any_offset(down->size);
    } else if (down->write < down->size) {
        down->bytes[down->write] = source->bytes[position++];
        down->write = down->write + 1u == down->size ? 0u : down->write + 1u;
    } else {
        down->write = down->read = 0; /* The probe's user has started again. */
    }
    return core_rtt_take(byte);
}

bool hil_rtt_put(uint8_t byte) {
    struct channel *up = &_SEGGER_RTT.up[0];
    if (fuzz_chance(64)) {
        up->read = (up->write + 1u + fuzz_below(3)) % UP_SIZE; /* The probe is slow. */
    }
    if (core_rtt_put(byte)) {
        return true;
    }
    up->write = fuzz_chance(16) ? any_offset(UP_SIZE) : up->write % UP_SIZE;
    up->read = fuzz_chance(16) ? any_offset(UP_SIZE) : up->write % UP_SIZE;
    if (fuzz_chance(16)) {
        port_wait_for_interrupt(); /* The host types instead of reading. */
    }
    return false;
}

void port_transmit(uint8_t byte) {
    bool printable = (byte >= ' ' && byte <= '~') || byte == '\r' || byte == '\n';
    require(printable || context.frames != NULL, "text that is not printable");
    memmove(said, &said[1], sizeof answered - 2u);
    said[sizeof answered - 2u] = (char)byte;
}

void model_invoke(int8_t *memory, const int8_t *in, int8_t *out) {
    check();
    if (++invocations > INVOCATIONS_MAX) {
        longjmp(done, 1);
    }
    memset(memory, 0x55, MODEL_ARENA_BYTES);
    memset(out, in[0] ^ in[MODEL_INPUT_BYTES - 1], MODEL_OUTPUT_COUNT);
}

uint64_t port_ticks(void) {
    return ticks += 1000;
}

void port_ticks_restart(void) {
    ticks = 0;
}

bool port_baud_supported(uint32_t baud) {
    return baud >= 9600u && baud <= 3000000u;
}

void port_init(void) {
}

void port_transmit_flush(void) {
}

void port_set_baud(uint32_t baud) {
    (void)baud;
}

uint32_t port_tick_hz(void) {
    return 1000000;
}

uint32_t port_interrupts_mask(void) {
    return 0;
}

void port_interrupts_restore(uint32_t state) {
    (void)state;
}

void port_timestamp_edge(void) {
}

const uint8_t *port_build_id(void) {
    static const uint8_t none[IDENTITY_BUILD_BYTES];
    return none;
}

uint32_t *port_stack_limit(void) {
    return stack_top - STACK_WORDS;
}

uint32_t *port_stack_top(void) {
    return stack_top;
}

/* One input, then what makes the device answer. */
static void run(void) {
    context = fresh;
    memset(sample, 0, sizeof sample);
    hil_rtt_init();
    source = &input;
    position = recoveries = invocations = 0;
    memset(said, 0, sizeof said);
    if (setjmp(done) == 0) {
        for (;;) {
            hil_poll(&context);
        }
    }
    check();
}

static uint64_t argument(const char *text) {
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        fprintf(stderr, "'%s' is not a number\n", text);
        exit(EXIT_FAILURE);
    }
    return value;
}

/* Sanitizers must end us by SIGABRT, so that the input is shown. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "abort_on_error=1";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) {
    return "abort_on_error=1:print_stacktrace=1";
}

static void dies(int signal_number) {
    (void)signal_number;
    show();
    _exit(EXIT_FAILURE);
}

static void hangs(int signal_number) {
    (void)signal_number;
    fail("the device hangs");
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s FIRST COUNT\n", argv[0]);
        return EXIT_FAILURE;
    }
    uint64_t first = argument(argv[1]), count = argument(argv[2]), bytes = 0;
    stack_top = __builtin_frame_address(0);
    signal(SIGABRT, dies);
    signal(SIGALRM, hangs);
    fuzz_input_leave(&recovery);
    fuzz_input_text(&recovery, "name%");
    hil_init(&context, sample, arena, token);
    hil_start(&context);
    fresh = context;
    for (uint64_t i = 0; i < count; i++) {
        number = first + i;
        if (i % REPORT == 0u) {
            printf("%llu\n", (unsigned long long)i);
            fflush(stdout);
            alarm(HANG_S);
        }
        fuzz_input_make(&input, number);
        bytes += input.size;
        run();
    }
    printf("%llu inputs, %llu bytes\n", (unsigned long long)count, (unsigned long long)bytes);
    return EXIT_SUCCESS;
}
