/* The harness: what makes a firmware speak the official text protocol and tinyhil's frames.
 *
 * This is all of it that a firmware sees: what its `main` calls, what its board gives, and what
 * its engine gives, which is whatever runs the model.  The harness knows no board and no engine.
 * The sizes that it needs come from the firmware's own hil_config.h; config.h has the list.
 *
 * A timed region is `engine_infer`, again and again, between two readings of `port_ticks`, with
 * interrupts masked. */
#ifndef TINYHIL_H
#define TINYHIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hil_config.h"

/* 1: an edge on a pin marks time, for a power monitor; 0: a line does. */
#ifndef HIL_ENERGY_MODE
#define HIL_ENERGY_MODE 0
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a firmware calls ********************************************************************** */

/* Before the first byte can be received. */
void tinyhil_init(void);

/* Takes one received byte.  Call it in the receive interrupt; without one, in
 * `port_wait_for_interrupt`: what comes during an inference is lost then. */
void tinyhil_receive(uint8_t byte);

/* Prints the boot lines and serves the host for ever.  It works off what was received where it was
 * called, on that stack, and may be a task of an operating system. */
void tinyhil_run(void) __attribute__((noreturn));

/* Tells the host `e-[what number]`, then stays put, for a fault handler or an engine that has
 * failed: no answer is better than a wrong one. */
void tinyhil_fail(const char *what, uint32_t number) __attribute__((noreturn));

/* What the engine gives ********************************************************************** */

/* Makes the model's input of a sample of HIL_SAMPLE_BYTES; not timed.  The sample may be changed
 * until `engine_close`.  What it returns goes to `engine_infer` as it is. */
const int8_t *engine_open(uint8_t *sample);

/* One inference: timed.  It keeps nothing: the same input gives the same output each time.
 *
 * arena:  HIL_ARENA_BYTES of scratch memory, 16-byte aligned; its content does not matter.
 * output: HIL_OUTPUT_BYTES, the model's raw output; not in the arena. */
void engine_infer(int8_t *arena, const int8_t *input, int8_t *output);

/* Not timed: leaves the sample as it was before `engine_open`, and the output complete. */
void engine_close(uint8_t *sample, int8_t *output);

/* How many numbers the task's results are: a score a class, or one error; at most 255 of them where
 * frames are spoken. */
size_t engine_result_count(void);

/* One of them in thousandths, made of the sample and the last output. */
int32_t engine_result(const uint8_t *sample, const int8_t *output, size_t index);

/* For `engine_result`: thousandths, rounded as printf("%.3f") does (to nearest, ties to even); what
 * does not fit into 32 bits becomes the nearest number that does, and NaN becomes 0. */
int32_t hil_thousandths(float value);

/* What the board gives *********************************************************************** */

/* Sends one byte; waits while the transmitter is full. */
void port_transmit(uint8_t byte);

/* Waits until the last byte has left, so that no UART activity falls into a timed region. */
void port_transmit_flush(void);

/* Whether the UART's divider comes within 2 % of a rate, in baud; never 0. */
bool port_baud_supported(uint32_t baud);

/* Changes to such a rate, both ways, after the last byte has left.  The first one is HIL_BAUD. */
void port_set_baud(uint32_t baud);

/* Frequency of `port_ticks`, in Hz. */
uint32_t port_tick_hz(void);

/* Restarts the tick counter at 0.  A restarted timer is what makes a timed region repeat to
 * the tick: a free-running one adds its phase. */
void port_ticks_restart(void);

/* Ticks since the last restart.  Must be called, or the timer's interrupt served, at least once
 * in each wrap of the hardware counter. */
uint64_t port_ticks(void);

/* Masks interrupts and returns the state to hand to `port_interrupts_restore`. */
uint32_t port_interrupts_mask(void);
void port_interrupts_restore(uint32_t state);

/* Sleeps until an interrupt is pending; called with interrupts masked, so that none is missed
 * between the check for work and the sleep. */
void port_wait_for_interrupt(void);

/* Energy mode: a falling edge on the time stamp pin, low for at least 1 us. */
void port_timestamp_edge(void);

/* The 20 bytes that the linker's `--build-id=sha1` made of the image's content. */
const uint8_t *port_build_id(void);

/* The stack, for painting: lowest address, and first one after it.  It must be a section of the
 * image, of which the host takes its size off.  Both the same: unknown, and no use is shown. */
uint32_t *port_stack_limit(void);
uint32_t *port_stack_top(void);

/* How the board runs, for `hil info`.  Texts are printable ASCII without brackets, of at most
 * PORT_TEXT_MAX characters. */
#define PORT_TEXT_MAX 48

enum port_speedup {
    PORT_PREFETCH = 1 << 0, /* Of code from the flash. */
    PORT_ICACHE = 1 << 1,
    PORT_DCACHE = 1 << 2,
    PORT_LOB = 1 << 3, /* Low-overhead branches of the Armv8.1-M. */
};

struct port_facts {
    uint32_t core_hz;
    const char *core_clock; /* Where it comes from: an oscillator and what multiplies it. */
    const char *lap_clock;  /* What counts `port_ticks`. */
    int wait_states;        /* Of the flash, as it is set; -1: nothing sets them. */
    unsigned speedups;      /* What is on, of `port_speedup`, as the registers read. */
};

/* Tells it, as it is now.  A board may leave this function out: then nothing is told. */
bool port_facts(struct port_facts *facts);

#ifdef __cplusplus
}
#endif

#endif
