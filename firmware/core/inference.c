/* `infer` and `results`: inferences that were asked for as text. */
#include "clock.h"
#include "families.h"
#include "infer.h"
#include "print.h"
#include "tinyhil.h"
#include "words.h"

#define DEFAULT_INFERENCES 1
#define DEFAULT_WARM_UP    10

static void print_results(const struct hil *hil) {
    hil_print_text("m-results-[");
    for (size_t i = 0; i < engine_result_count(); i++) {
        hil_print_text(i != 0u ? "," : "");
        hil_print_thousandths(engine_result(hil->input, hil->output, i));
    }
    hil_print_line("]");
}

static void print_count(const char *text, int32_t count) {
    hil_print_text(text);
    hil_print_signed(count);
    hil_print_line("");
}

void hil_infer_command(struct hil *hil, char *rest) {
    const char *word = hil_words_next(&rest);
    int32_t inferences = word != NULL ? hil_words_number(word) : DEFAULT_INFERENCES;
    if (inferences <= 0) {
        hil_print_line("e-[Inference iterations must be >0]");
        return;
    }
    word = hil_words_next(&rest);
    int32_t warm_up = word != NULL ? hil_words_number(word) : DEFAULT_WARM_UP;
    if (warm_up < 0) {
        hil_print_line("e-[Inference warmup must be >=0]");
        return;
    }
    print_count("m-warmup-start-", warm_up);
    const int8_t *input = engine_open(hil->input);
    hil_infer_untimed(hil, input, (uint32_t)warm_up);
    hil_print_line("m-warmup-done");
    print_count("m-infer-start-", inferences);
    port_transmit_flush();
    uint64_t elapsed = hil_infer_timed(hil, input, (uint32_t)inferences);
    engine_close(hil->input, hil->output);
    if (!HIL_ENERGY_MODE) {
        /* Printed after the region, not at its ends: printing takes time too. */
        hil_clock_print(hil->ticks_before_restart);
        hil_clock_print(hil->ticks_before_restart + elapsed);
    }
    hil_print_line("m-infer-done");
    print_results(hil);
}

void hil_results_command(struct hil *hil, char *rest) {
    (void)rest;
    print_results(hil);
}
