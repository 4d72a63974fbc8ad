/*
 * Runs a compiled model on an emulated Cortex-M: inputs come on standard input, and for each its
 * output goes to standard output, and 4 bytes of ticks for the inference and for each kernel that
 * it called; all by semihosting, of which QEMU is the host.
 */
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "bare.h"
#include "model.h"
#include "model_config.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define SYSTICK_CONTROL   REGISTER(0xe000e010u)
#define SYSTICK_RELOAD    REGISTER(0xe000e014u)
#define SYSTICK_VALUE     REGISTER(0xe000e018u)
#define CPACR             REGISTER(0xe000ed88u)

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
enum { MODE_INPUT = 0, MODE_OUTPUT = 4 };
enum { STOPPED = 0x20026, SYSTICK_ON = 5, SYSTICK_TOP = 0xffffff };

static uint32_t call_host(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open_console(uint32_t mode) {
    static const char name[] = ":tt";
    const uint32_t block[] = {(uint32_t)(uintptr_t)name, mode, sizeof name - 1};
    return call_host(SYS_OPEN, block);
}

/** Reads or writes; returns how many bytes are missing. */
static uint32_t transfer(uint32_t operation, uint32_t handle, const void *bytes, uint32_t count) {
    const uint32_t block[] = {handle, (uint32_t)(uintptr_t)bytes, count};
    return call_host(operation, block);
}

/** Reads all of it; a pipe hands out less at a time. Returns 0 at the end of the input. */
static int receive(uint32_t handle, int8_t *bytes, uint32_t count) {
    while (count > 0) {
        uint32_t missing = transfer(SYS_READ, handle, bytes, count);
        if (missing == count) {
            return 0;
        }
        bytes += count - missing;
        count = missing;
    }
    return 1;
}

static alignas(16) int8_t arena[MODEL_ARENA_BYTES];
static alignas(4) int8_t input[MODEL_INPUT_BYTES];
static alignas(4) int8_t output[MODEL_OUTPUT_BYTES];

enum { MAX_LAPS = 1000 };

static uint32_t laps[MAX_LAPS], lap_count;

uint32_t bare_ticks(void) {
    return (0u - SYSTICK_VALUE) & SYSTICK_TOP; /* it stands at 0 until its first tick */
}

void bare_lap(uint32_t ticks) {
    if (lap_count < MAX_LAPS) {
        laps[lap_count++] = ticks;
    }
}

static void run(void) {
    const uint32_t from = open_console(MODE_INPUT);
    const uint32_t to = open_console(MODE_OUTPUT);
    SYSTICK_RELOAD = SYSTICK_TOP;
    while (receive(from, input, sizeof input)) {
        lap_count = 0;
        SYSTICK_VALUE = 0;
        SYSTICK_CONTROL = SYSTICK_ON;
        model_invoke(arena, input, output);
        uint32_t ticks = bare_ticks();
        SYSTICK_CONTROL = 0;
        transfer(SYS_WRITE, to, output, sizeof output);
        transfer(SYS_WRITE, to, &ticks, sizeof ticks);
        transfer(SYS_WRITE, to, laps, lap_count * sizeof laps[0]);
    }
}

static void stop(void) {
    call_host(SYS_EXIT, (const void *)STOPPED);
}

/** A fault ends the program early: the host sees too few outputs. */
static void fault(void) {
    stop();
}

extern uint8_t __data_start[], __data_end[], __data_load[];

void reset_handler(void);

void reset_handler(void) {
    CPACR |= 0xfu << 20; /* floating point and vectors, where the core has them */
    __asm volatile("dsb\n\tisb");
    memcpy(__data_start, __data_load, (size_t)(__data_end - __data_start));
    run();
    stop();
}

extern uint32_t __stack_top[];

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    __stack_top,
    (const void *)reset_handler,
    [2 ... 15] = (const void *)fault,
};
