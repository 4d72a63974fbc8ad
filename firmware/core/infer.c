/* `infer` and `results`: the timed region. */
#include "infer.h"
#include "adapter.h"
#include "clock.h"
#include "commands.h"
#include "model.h"
#include "port.h"
#include "print.h"

#define DEFAULT_INFERENCES 1
#define DEFAULT_WARM_UP    10

static uint32_t saturate(uint64_t ticks) {
    return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

void infer_untimed(struct hil *hil, const int8_t *input, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        model_invoke(hil->arena, input, hil->output);
    }
}

/* Nothing is printed or allocated between the inferences. */
uint64_t infer_timed(struct hil *hil, const int8_t *input, uint32_t count) {
    uint32_t state = port_interrupts_mask();
    if (HIL_ENERGY_MODE) {
        port_timestamp_edge();
    }
    clock_restart(hil);
    uint64_t last = 0;
    for (uint32_t i = 0; i < count; i++) {
        model_invoke(hil->arena, input, hil->output);
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

void infer_results(const struct hil *hil) {
    print_text("m-results-[");
    for (size_t i = 0; i < adapter_result_count(); i++) {
        print_text(i != 0u ? "," : "");
        print_thousandths(adapter_result(hil, i));
    }
    print_line("]");
}

static void print_count(const char *text, int32_t count) {
    print_text(text);
    print_signed(count);
    print_line("");
}

void infer_command(struct hil *hil, char *rest) {
    const char *word = commands_word(&rest);
    int32_t inferences = word != NULL ? commands_number(word) : DEFAULT_INFERENCES;
    if (inferences <= 0) {
        print_line("e-[Inference iterations must be >0]");
        return;
    }
    word = commands_word(&rest);
    int32_t warm_up = word != NULL ? commands_number(word) : DEFAULT_WARM_UP;
    if (warm_up < 0) {
        print_line("e-[Inference warmup must be >=0]");
        return;
    }
    print_count("m-warmup-start-", warm_up);
    const int8_t *input = adapter_input_open(hil);
    infer_untimed(hil, input, (uint32_t)warm_up);
    print_line("m-warmup-done");
    print_count("m-infer-start-", inferences);
    port_transmit_flush();
    uint64_t elapsed = infer_timed(hil, input, (uint32_t)inferences);
    adapter_input_close(hil);
    if (!HIL_ENERGY_MODE) {
        /* Printed after the region, not at its ends: printing takes time too. */
        clock_print(hil->ticks_before_restart);
        clock_print(hil->ticks_before_restart + elapsed);
    }
    print_line("m-infer-done");
    infer_results(hil);
}
