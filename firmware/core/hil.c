#include "hil.h"

#include "clock.h"
#include "commands.h"
#include "print.h"
#include "receive.h"
#include "rtt.h"
#include "stack.h"
#include "tinyhil.h"

void hil_init(struct hil *hil, uint8_t *input, int8_t *arena, uint8_t *token) {
    hil->input = input;
    hil->arena = arena;
    hil->token = token;
    ring_move(&hil->received, hil->text_queue, sizeof hil->text_queue);
    hil_rate_init(hil);
}

void hil_start(struct hil *hil) {
    hil_stack_paint();
    if (HIL_EXTENSION) { /* Else nobody opens its channels. */
        hil_rtt_init();
    }
    port_ticks_restart();
    hil_print_line(CLOCK_MODE_LINE);
    hil_clock_stamp(hil);
    hil_print_line("m-init-done");
    hil_print_line("m-ready");
}

static void drop_command(struct hil *hil) {
    hil->command_length = 0;
    hil->command_too_long = false;
}

static void run_command(struct hil *hil) {
    hil->command[hil->command_length] = '\0';
    if (hil->command_too_long) {
        hil_print_line("e-[Command too long]");
    } else {
        hil->command_unknown = false;
        hil_commands_run(hil, hil->command);
        if (!hil->command_unknown) {
            hil_rate_proven(hil);
        }
    }
    drop_command(hil);
    hil_print_line("m-ready");
    hil_rate_apply(hil);
}

/* Speaks frames until the host goes back to text. */
static void serve_frames(struct hil *hil) {
    hil_stream_serve(hil, hil->frames);
    hil->frames->close(hil);
    hil->frames = NULL;
    hil_print_line("m-ready");
}

/* Gathers a command; line ends are ignored so that it can be typed at a terminal.  A 0x00 ends
 * a frame. */
static void take(struct hil *hil, char byte) {
    if (hil_rate_is_lost(hil, RATE_TEXT_LIMIT)) {
        drop_command(hil);
        hil_print_line("m-ready");
    } else if (byte == '%') {
        run_command(hil);
        if (hil->frames != NULL) {
            serve_frames(hil);
        }
    } else if (byte == '\0') {
        drop_command(hil);
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
    hil_receive_wait(hil);
}
