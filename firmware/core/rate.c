#include "rate.h"

#include "families.h"
#include "hil.h"
#include "print.h"
#include "tinyhil.h"
#include "words.h"

void hil_rate_init(struct hil *hil) {
    hil->rate = (struct rate){.now = HIL_BAUD, .next = HIL_BAUD};
}

static void change(struct hil *hil, uint32_t baud) {
    port_transmit_flush();
    port_set_baud(baud);
    hil->rate = (struct rate){.now = baud, .next = baud};
}

void hil_rate_apply(struct hil *hil) {
    if (hil->rate.next != hil->rate.now) {
        change(hil, hil->rate.next);
    }
}

bool hil_rate_is_lost(struct hil *hil, uint32_t limit) {
    if (hil->rate.now == HIL_BAUD || ++hil->rate.unproven < limit) {
        return false;
    }
    change(hil, HIL_BAUD);
    return true;
}

void hil_rate_proven(struct hil *hil) {
    hil->rate.unproven = 0;
}

/* `hil baud N`: takes effect after the `m-ready`, see `hil_rate_apply`. */
void hil_rate_command(struct hil *hil, char *rest) {
    const char *word = hil_words_next(&rest);
    int32_t baud = word != NULL ? hil_words_number(word) : 0;
    if (baud <= 0 || !port_baud_supported((uint32_t)baud)) {
        hil_print_line("e-[The UART does not run at this rate]");
        return;
    }
    hil->rate.next = (uint32_t)baud;
    hil_print_text("m-hil-baud-");
    hil_print_signed(baud);
    hil_print_line("");
}
