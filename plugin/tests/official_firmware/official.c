/* A firmware as others write it: the official text protocol alone, on a UART that is polled.  It
 * shares nothing with ours but the compiled model, and runs on the MPS2 boards that QEMU plays. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "model_config.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define TIMER_CONTROL     REGISTER(0x40000000u)
#define TIMER_VALUE       REGISTER(0x40000004u)
#define TIMER_RELOAD      REGISTER(0x40000008u)
#define UART_DATA         REGISTER(0x40004000u)
#define UART_STATE        REGISTER(0x40004004u)
#define UART_CONTROL      REGISTER(0x40004008u)
#define UART_DIVIDER      REGISTER(0x40004010u)
#define CPACR             REGISTER(0xe000ed88u)

#ifndef TASK
#define TASK "kws01"
#endif
#define CLOCK_MHZ    25u
#define COMMAND_SIZE 80
#define BUFFER_SIZE  27648

extern uint32_t __stack_top[];
extern uint8_t __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];

static uint8_t buffer[BUFFER_SIZE];
static size_t buffer_size, buffer_position;
static char *rest; /* Of the command at hand. */
static _Alignas(16) int8_t arena[MODEL_ARENA_BYTES];
static int8_t input[MODEL_INPUT_BYTES], output[MODEL_OUTPUT_COUNT];

static void th_print(const char *text) {
    while (*text != '\0') {
        while ((UART_STATE & 1u) != 0u) {
        }
        UART_DATA = (uint8_t)*text++;
    }
}

static void print_number(const char *before, unsigned number, const char *behind) {
    char text[64];
    sprintf(text, "%s%u%s", before, number, behind);
    th_print(text);
}

static char th_getchar(void) {
    while ((UART_STATE & 2u) == 0u) {
    }
    return (char)UART_DATA;
}

/* A free-running counter of 32 bits, which wraps after 171.8 s. */
static void th_timestamp(void) {
    print_number("m-lap-us-", (0xffffffffu - TIMER_VALUE) / CLOCK_MHZ, "\r\n");
}

static void th_results(void) {
    th_print("m-results-[");
    for (int i = 0; i < MODEL_OUTPUT_COUNT; i++) {
        unsigned thousandths = ((unsigned)(output[i] + 128) * 2000u + 256u) / 512u;
        char text[16];
        sprintf(text, "%s%u.%03u", i == 0 ? "" : ",", thousandths / 1000u, thousandths % 1000u);
        th_print(text);
    }
    th_print("]\r\n");
}

static void infer(void) {
    const char *count_word = strtok_r(NULL, " ", &rest), *warm_up_word = strtok_r(NULL, " ", &rest);
    unsigned count = count_word != NULL ? (unsigned)atoi(count_word) : 1u;
    unsigned warm_up = warm_up_word != NULL ? (unsigned)atoi(warm_up_word) : 10u;
    memcpy(input, buffer, sizeof input);
    print_number("m-warmup-start-", warm_up, "\r\n");
    while (warm_up-- > 0u) {
        model_invoke(arena, input, output);
    }
    th_print("m-warmup-done\r\n");
    print_number("m-infer-start-", count, "\r\n");
    th_timestamp();
    while (count-- > 0u) {
        model_invoke(arena, input, output);
    }
    th_timestamp();
    th_print("m-infer-done\r\n");
    th_results();
}

static void store(const char *digits) {
    for (; digits[0] != '\0' && digits[1] != '\0' && buffer_position < buffer_size; digits += 2) {
        const char pair[] = {digits[0], digits[1], '\0'};
        buffer[buffer_position++] = (uint8_t)strtoul(pair, NULL, 16);
        if (buffer_position == buffer_size) {
            th_print("m-load-done\r\n");
        }
    }
}

/* As in the official firmware, a blank line follows where the size is no multiple of eight. */
static void print_buffer(void) {
    for (size_t i = 0; i < buffer_size; i++) {
        char text[16];
        sprintf(text, "%s%02x", i % 8u == 0u ? "m-buffer-" : "-", buffer[i]);
        th_print(text);
        if (i % 8u == 7u || i + 1u == buffer_size) {
            th_print("\r\n");
        }
    }
    if (buffer_size % 8u != 0u) {
        th_print("\r\n");
    }
}

static void run(char *command) {
    const char *name = strtok_r(command, " ", &rest);
    if (name == NULL) {
        th_print("e-[Unknown command: ]\r\n");
    } else if (strcmp(name, "name") == 0) {
        th_print("m-name-dut-[official]\r\n");
    } else if (strcmp(name, "timestamp") == 0) {
        th_timestamp();
    } else if (strcmp(name, "profile") == 0) {
        th_print("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[" TASK "]\r\n");
    } else if (strcmp(name, "infer") == 0) {
        infer();
    } else if (strcmp(name, "results") == 0) {
        th_results();
    } else if (strcmp(name, "db") == 0) {
        const char *word = strtok_r(NULL, " ", &rest);
        if (word != NULL && strcmp(word, "load") == 0) {
            const char *size = strtok_r(NULL, " ", &rest);
            buffer_size = size != NULL ? (size_t)atoi(size) % (BUFFER_SIZE + 1u) : 0u;
            buffer_position = 0;
            print_number("m-[Expecting ", (unsigned)buffer_size, " bytes]\r\n");
        } else if (word != NULL && strcmp(word, "print") == 0) {
            print_buffer();
        } else if (word != NULL) {
            store(word);
        }
    } else {
        th_print("e-[Unknown command: ");
        th_print(name);
        th_print("]\r\n");
    }
    th_print("m-ready\r\n");
}

void reset_handler(void);

void reset_handler(void) {
    CPACR |= 0xfu << 20;
    __asm volatile("dsb\n\tisb");
    memcpy(__data_start, __data_load, (size_t)(__data_end - __data_start));
    memset(__bss_start, 0, (size_t)(__bss_end - __bss_start));
    TIMER_RELOAD = TIMER_VALUE = 0xffffffffu;
    TIMER_CONTROL = 1;
    UART_DIVIDER = CLOCK_MHZ * 1000000u / 115200u;
    UART_CONTROL = 3;
    th_print("m-timestamp-mode-performance\r\n");
    th_timestamp();
    th_print("m-init-done\r\nm-ready\r\n");
    static char command[COMMAND_SIZE + 1];
    for (size_t length = 0;;) {
        char next = th_getchar();
        if (next == '%') {
            command[length] = '\0';
            run(command);
            length = 0;
        } else if (length < COMMAND_SIZE) {
            command[length++] = next;
        }
    }
}

static void fault(void) {
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    __stack_top,
    (const void *)reset_handler,
    [2 ... 15] = (const void *)fault,
};
