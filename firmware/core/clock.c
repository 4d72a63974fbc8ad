#include "clock.h"

#include "port.h"
#include "print.h"

uint64_t clock_ticks(const struct hil *hil) {
    return hil->ticks_before_restart + port_ticks();
}

void clock_restart(struct hil *hil) {
    hil->ticks_before_restart += port_ticks();
    port_ticks_restart();
}

void clock_print(uint64_t ticks) {
    uint32_t hz = port_tick_hz();
    /* Seconds and rest apart: ticks * 10^6 would overflow 64 bits after 8 days at 25 MHz. */
    print_text("m-lap-us-");
    print_unsigned(ticks / hz * 1000000u + ticks % hz * 1000000u / hz);
    print_line("");
}

void clock_stamp(const struct hil *hil) {
    if (HIL_ENERGY_MODE) {
        port_timestamp_edge();
    } else {
        clock_print(clock_ticks(hil));
    }
}
