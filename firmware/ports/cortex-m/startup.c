/* Vectors, reset and faults of a Cortex-M, and the parts of port.h that are the core's own. */
#include <stdbool.h>
#include <string.h>

#include "cortex_m.h"
#include "tinyhil.h"

#define CPACR           REGISTER(0xe000ed88u) /* Coprocessor access; an Armv7-M system register. */
#define NVIC_ISER(word) REGISTER(0xe000e100u + 4u * (word))
#define CORE_VECTORS    16u
#define SYSTICK_VECTOR  15u

/* How many external interrupts have a vector; a port whose numbers are higher says so. */
#ifndef CORTEX_M_INTERRUPTS
#define CORTEX_M_INTERRUPTS 64u
#endif

/* Placed by cortex-m.ld. */
extern uint32_t __stack_limit[], __stack_top[];
extern const uint8_t __build_note[];
extern uint8_t __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];
extern uint8_t __buffers_start[], __buffers_end[];

typedef void (*function)(void);

extern const function __init_array_start[], __init_array_end[]; /* Constructors, of C++. */

int main(void);
void reset_handler(void);

void reset_handler(void) {
#ifdef __ARM_FP
    CPACR |= 0xfu << 20; /* Full access to the FPU. */
    __asm volatile("dsb\n\tisb");
#endif
    cortex_m_speed_up();
    memcpy(__data_start, __data_load, (size_t)(__data_end - __data_start));
    memset(__buffers_start, 0, (size_t)(__buffers_end - __buffers_start));
    memset(__bss_start, 0, (size_t)(__bss_end - __bss_start));
    for (const function *construct = __init_array_start; construct < __init_array_end;
         construct++) {
        (*construct)();
    }
    main();
}

static void fault_handler(void) {
    uint32_t number;
    __asm volatile("mrs %0, ipsr" : "=r"(number));
    tinyhil_fail("Fault: exception", number);
}

__attribute__((weak)) void cortex_m_systick(void) {
    fault_handler();
}

static void external_handler(void) {
    uint32_t number;
    __asm volatile("mrs %0, ipsr" : "=r"(number));
    port_interrupt(number - CORE_VECTORS);
}

__attribute__((section(".vectors"), used)) static const union {
    function handler;
    const void *address;
} vectors[CORE_VECTORS + CORTEX_M_INTERRUPTS] = {
    {.address = __stack_top},
    {reset_handler},
    [2 ... SYSTICK_VECTOR - 1u] = {fault_handler},
    [SYSTICK_VECTOR] = {cortex_m_systick},
    [CORE_VECTORS... CORE_VECTORS + CORTEX_M_INTERRUPTS - 1u] = {external_handler},
};

void cortex_m_enable_interrupt(uint32_t number) {
    NVIC_ISER(number / 32u) = 1u << number % 32u;
}

uint32_t port_interrupts_mask(void) {
    uint32_t state;
    __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(state)::"memory");
    return state;
}

void port_interrupts_restore(uint32_t state) {
    __asm volatile("msr primask, %0" ::"r"(state) : "memory");
}

__attribute__((weak)) void cortex_m_sleeps(void) {
}

__attribute__((weak)) void cortex_m_wakes(void) {
}

void port_wait_for_interrupt(void) {
    cortex_m_sleeps();
    __asm volatile("dsb\n\twfi" ::: "memory");
    cortex_m_wakes();
}

const uint8_t *port_build_id(void) {
    return &__build_note[16]; /* After three words of sizes and type, and the name "GNU". */
}

uint32_t *port_stack_limit(void) {
    return __stack_limit;
}

uint32_t *port_stack_top(void) {
    return __stack_top;
}
