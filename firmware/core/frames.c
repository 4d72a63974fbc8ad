/* `hil frames`: from text to frames. */
#include <string.h>

#include "families.h"
#include "print.h"
#include "transport.h"
#include "words.h"

void frames_command(struct hil *hil, char *rest) {
    const char *word = words_next(&rest);
    if (word != NULL && strcmp(word, "wire") == 0) {
        hil->frames = &transport_wire;
    } else if (word != NULL && strcmp(word, "probe") == 0) {
        hil->frames = &transport_probe;
    } else {
        print_line("e-[Command 'hil frames' requires 'wire' or 'probe']");
        return;
    }
    /* What was loaded as text may have reached into the queue. */
    hil->input_size = 0;
    hil->input_position = 0;
    print_text("m-hil-queue-");
    print_unsigned(hil->frames->open(hil));
    print_line("");
}
