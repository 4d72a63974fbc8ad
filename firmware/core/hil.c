#include "hil.h"

#include "clock.h"
#include "commands.h"
#include "port.h"
#include "print.h"
#include "rtt.h"
#include "stack.h"

void hil_init(struct hil *hil, int8_t *arena) {
    hil->arena = arena;
    stack_paint();
    rtt_init();
    port_ticks_restart();
    print_line(CLOCK_MODE_LINE);
    clock_stamp(hil);
    print_line("m-init-done");
    print_line("m-ready");
}

void hil_receive(struct hil *hil, uint8_t byte) {
    ring_put(&hil->received, byte);
}

/* Gathers a command; line ends are ignored so that it can be typed at a terminal. */
static void take(struct hil *hil, char byte) {
    if (byte == '%') {
        hil->command[hil->command_length] = '\0';
        if (hil->command_too_long) {
            print_line("e-[Command too long]");
        } else {
            commands_run(hil, hil->command);
        }
        print_line("m-ready");
        hil->command_length = 0;
        hil->command_too_long = false;
    } else if (byte == '\r' || byte == '\n') {
        return;
    } else if (hil->command_length < HIL_COMMAND_SIZE - 1u) {
        hil->command[hil->command_length++] = byte;
    } else {
        hil->command_too_long = true;
    }
}

void hil_poll(struct hil *hil) {
    while (!ring_is_empty(&hil->received)) {
        take(hil, (char)ring_take(&hil->received));
    }
    uint32_t state = port_interrupts_mask();
    if (ring_is_empty(&hil->received)) {
        port_wait_for_interrupt();
    }
    port_interrupts_restore(state);
}
