/* Bare-metal start, semihosting, and the loop over cases. The random numbers are the same ones in
 * every run. */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define CPACR             REGISTER(0xe000ed88u)

enum { SEMIHOSTING_WRITE = 0x04, SEMIHOSTING_EXIT = 0x20, EXIT_REASON = 0x20026 };
enum { CASES = 300, MARGIN_VALUE = 0x55 };

struct result portable, twin;

extern uint32_t __stack_top[];

static uint32_t state;

static void semihosting(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void say(const char *text) {
    semihosting(SEMIHOSTING_WRITE, text);
}

static void say_number(uint32_t value) {
    char digits[12];
    char *digit = digits + sizeof digits - 1;
    *digit = '\0';
    do {
        *--digit = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    say(digit);
}

static uint32_t random_word(void) {
    state ^= state << 13; /* xorshift32 */
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

int32_t draw(int32_t low, int32_t high) {
    return (int32_t)((uint32_t)low + random_word() % ((uint32_t)(high - low) + 1u));
}

void fill(int8_t *values, int32_t count) {
    bool extreme = draw(0, 7) == 0;
    for (int32_t i = 0; i < count; i++) {
        uint32_t word = random_word();
        values[i] = (int8_t)(extreme ? (word & 0x100 ? INT8_MAX : INT8_MIN) : (int8_t)word);
    }
}

const int8_t *draw_input(int32_t count) {
    int8_t *input = (int8_t *)(INPUT_END - (uint32_t)count);
    fill(input, count);
    return input;
}

int8_t *weights_buffer(int32_t count) {
    return (int8_t *)(WEIGHTS_END - (uint32_t)count);
}

struct channel_s8 *channels_buffer(int32_t count) {
    return (struct channel_s8 *)CHANNELS_END - count;
}

static int32_t bits(uint32_t value) {
    return 32 - __builtin_clz(value | 1);
}

struct channel_s8 draw_channel(int32_t bound) {
    static const int32_t multipliers[] = {0, INT32_C(1) << 30, INT32_MAX};
    int32_t most = INT32_MAX - 256 - bound; /* of the bias */
    int32_t least = draw(0, 30);
    most = most >> least;
    struct channel_s8 channel = {
        .bias = draw(-most, most),
        .multiplier = draw(0, 3) ? draw(INT32_C(1) << 30, INT32_MAX) : multipliers[draw(0, 2)],
    };
    int32_t size = bits((uint32_t)(abs(channel.bias) + bound + 256));
    switch (draw(0, 3)) {
    case 0:
        channel.left = (uint8_t)draw(0, 31 - size);
        break;
    case 1:
        channel.right = (uint8_t)draw(0, 31);
        break;
    default: /* outputs that vary */
        channel.right = (uint8_t)(size > 8 ? size - 8 + draw(-2, 2) : 0);
        channel.right = channel.right > 31 ? 31 : channel.right;
        break;
    }
    /* Never more careless than the compiler at the most difficult zero point. */
    bool simple = channel.left == 0 && size <= 30 && channel.right > 0 && channel.right <= 22;
    channel.careful = !simple || draw(0, 1);
    return channel;
}

void draw_range(int32_t *zero_point, int32_t *lowest, int32_t *highest) {
    *zero_point = draw(INT8_MIN, INT8_MAX);
    *lowest = draw(0, 1) ? INT8_MIN : draw(INT8_MIN, INT8_MAX);
    *highest = draw(0, 1) ? INT8_MAX : draw(*lowest, INT8_MAX);
}

struct axis draw_axis(int32_t longest, int32_t largest) {
    struct axis axis = {.input = draw(1, longest), .stride = draw(1, 3)};
    int32_t padding = draw(0, 2);
    bool same = padding == 1;
    axis.kernel = draw(1, same || axis.input > largest ? largest : axis.input);
    if (same) {
        axis.output = (axis.input + axis.stride - 1) / axis.stride;
        int32_t missing = (axis.output - 1) * axis.stride + axis.kernel - axis.input;
        axis.pad = missing > 0 ? missing / 2 : 0;
    } else {
        int32_t after = 0;
        if (padding == 2) { /* that of an operator before, which was folded into this one */
            axis.pad = draw(0, axis.kernel - 1);
            after = draw(0, axis.kernel - 1);
        }
        axis.output = (axis.pad + axis.input + after - axis.kernel) / axis.stride + 1;
    }
    return axis;
}

void clear_results(void) {
    memset(&portable, MARGIN_VALUE, sizeof portable);
    memset(&twin, MARGIN_VALUE, sizeof twin);
}

const int8_t *maybe_in_place(bool possible, const int8_t *input, int32_t count) {
    if (!possible || draw(0, 1)) {
        return input;
    }
    memcpy(twin.output + MARGIN, input, (size_t)count);
    return twin.output + MARGIN;
}

void forget_input(const int8_t *from, int32_t inputs, int32_t outputs) {
    if (from == twin.output + MARGIN && inputs > outputs) {
        memset(twin.output + MARGIN + outputs, MARGIN_VALUE, (size_t)(inputs - outputs));
    }
}

bool results_agree(int32_t used) {
    for (int32_t i = used; i < SCRATCH_BYTES; i++) {
        if (twin.scratch[i] != MARGIN_VALUE) {
            return false;
        }
    }
    return memcmp(portable.output, twin.output, OUTPUT_BYTES) == 0;
}

static void run(const char *name, bool (*test_case)(void)) {
    state = 1;
    say(name);
    for (uint32_t i = 0; i < CASES; i++) {
        if (!test_case()) {
            say(": differs in case ");
            say_number(i);
            say("\n");
            return;
        }
    }
    say(": equal\n");
}

static void finish(void) {
    const uint32_t reason[] = {EXIT_REASON, 0};
    semihosting(SEMIHOSTING_EXIT, reason);
    for (;;) {
    }
}

static void reset_handler(void) {
    CPACR |= 0xfu << 20; /* full access to FPU and Helium, where there are any */
    __asm volatile("dsb\n\tisb");
    run("add_s8", add_case);
    run("conv2d_s8", conv2d_case);
    run("depthwise_conv2d_s8", depthwise_case);
    run("fully_connected_s8", fully_connected_case);
    run("avg_pool_s8", avg_pool_case);
    run("max_pool_s8", max_pool_case);
    run("transpose_s8", transpose_case);
    run("lstm_s8", lstm_case);
    run("conv2d_pairs_s8", conv2d_pairs_case);
    run("depthwise_pairs_s8", depthwise_pairs_case);
    run("fully_connected_pairs_s8", fully_connected_pairs_case);
    run("conv2d_fours_s8", conv2d_fours_case);
    run("depthwise_planes_s8", depthwise_planes_case);
    run("fully_connected_fours_s8", fully_connected_fours_case);
    finish();
}

static void fault_handler(void) {
    say(": fault\n");
    finish();
}

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const union {
    vector handler;
    const void *address;
} vectors[16] = {{.address = __stack_top}, {reset_handler}, [2 ... 15] = {fault_handler}};
