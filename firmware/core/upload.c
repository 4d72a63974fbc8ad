/* `hil load N KEEP`: a sample through the debug port, with its sum in the answer.
 *
 * The last KEEP bytes of the sample before are the first ones of this one: windows overlap. */
#include <string.h>

#include "commands.h"
#include "crc32.h"
#include "port.h"
#include "print.h"
#include "rtt.h"

/* How long the host may leave the channel empty in the middle of a sample.  Long, for an emulated
 * board's busy time runs ten times as fast as the host's; a host that wants to go on types. */
#define SILENCE_S 60u

/* Fills the buffer from `position` on; false when the host has given up: it is silent for too
 * long, or types a command. */
static bool receive(struct hil *hil) {
    uint64_t silence = (uint64_t)SILENCE_S * port_tick_hz();
    uint64_t last = port_ticks();
    while (hil->input_position < hil->input_size) {
        if (rtt_take(&hil->input[hil->input_position])) {
            hil->input_position++;
            last = port_ticks();
        } else if (!ring_is_empty(&hil->received) || port_ticks() - last > silence) {
            return false;
        }
    }
    return true;
}

void upload_command(struct hil *hil, char *rest) {
    const char *size_word = commands_word(&rest);
    const char *keep_word = commands_word(&rest);
    int32_t size = size_word != NULL ? commands_number(size_word) : 0;
    int32_t keep = keep_word != NULL ? commands_number(keep_word) : 0;
    if (size <= 0 || size > HIL_INPUT_SIZE || keep < 0 || keep >= size ||
        (size_t)keep > hil->input_position) {
        rtt_drop();
        print_line("e-[Command 'hil load' requires a size, and less to keep than there is]");
        return;
    }
    memmove(hil->input, &hil->input[hil->input_position - (size_t)keep], (size_t)keep);
    hil->input_size = (size_t)size;
    hil->input_position = (size_t)keep;
    if (!receive(hil)) {
        rtt_drop();
        print_text("e-[Upload ended after ");
        print_unsigned(hil->input_position);
        print_line(" bytes]");
        return;
    }
    print_text("m-hil-crc-");
    print_unsigned(crc32(hil->input, hil->input_size));
    print_line("");
}
