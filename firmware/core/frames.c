/* `hil frames`: from text to frames. */
#include <string.h>

#include "families.h"
#include "print.h"
#include "transport.h"
#include "words.h"

void hil_frames_command(struct hil *hil, char *rest) {
    const char *word = hil_words_next(&rest);
    if (word != NULL && strcmp(word, "wire") == 0) {
        hil->frames = &hil_transport_wire;
    } else if (word != NULL && strcmp(word, "probe") == 0) {
        hil->frames = &hil_transport_probe;
    } else {
        hil_print_line("e-[Command 'hil frames' requires 'wire' or 'probe']");
        return;
    }
    /* What was loaded as text may have reached into the queue. */
    hil->input_size = 0;
    hil->input_position = 0;
    hil_print_text("m-hil-queue-");
    hil_print_unsigned(hil->frames->open(hil));
    hil_print_line("");
}
