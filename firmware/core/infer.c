/* The timed region. */
#include "infer.h"
#include "clock.h"
#include "tinyhil.h"

static uint32_t saturate(uint64_t ticks) {
    return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

void hil_infer_untimed(struct hil *hil, const int8_t *input, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        engine_infer(hil->arena, input, hil->output);
    }
}

/* Nothing is printed or allocated between the inferences. */
uint64_t hil_infer_timed(struct hil *hil, const int8_t *input, uint32_t count) {
    uint32_t state = port_interrupts_mask();
    if (HIL_ENERGY_MODE) {
        port_timestamp_edge();
    }
    hil_clock_restart(hil);
    uint64_t last = 0;
    for (uint32_t i = 0; i < count; i++) {
        engine_infer(hil->arena, input, hil->output);
        uint64_t now = port_ticks();
        if (i < HIL_LAPS) {
            hil->laps[i] = saturate(now - last);
        }
        last = now;
    }
    if (HIL_ENERGY_MODE) {
        port_timestamp_edge();
    }
    port_interrupts_restore(state);
    hil->lap_count = count < HIL_LAPS ? count : HIL_LAPS;
    return last;
}
