#include "clock.h"

#include "print.h"
#include "tinyhil.h"

uint64_t hil_clock_ticks(const struct hil *hil) {
    return hil->ticks_before_restart + port_ticks();
}

void hil_clock_restart(struct hil *hil) {
    hil->ticks_before_restart += port_ticks();
    port_ticks_restart();
}

void hil_clock_print(uint64_t ticks) {
    uint32_t hz = port_tick_hz();
    /* Seconds and rest apart: ticks * 10^6 would overflow 64 bits after 8 days at 25 MHz. */
    hil_print_text("m-lap-us-");
    hil_print_unsigned(ticks / hz * 1000000u + ticks % hz * 1000000u / hz);
    hil_print_line("");
}

void hil_clock_stamp(const struct hil *hil) {
    if (HIL_ENERGY_MODE) {
        port_timestamp_edge();
    } else {
        hil_clock_print(hil_clock_ticks(hil));
    }
}
