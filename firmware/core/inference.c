/* `infer` and `results`: inferences that were asked for as text. */
#include "adapter.h"
#include "clock.h"
#include "families.h"
#include "infer.h"
#include "port.h"
#include "print.h"
#include "words.h"

#define DEFAULT_INFERENCES 1
#define DEFAULT_WARM_UP    10

static void print_results(const struct hil *hil) {
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
    const char *word = words_next(&rest);
    int32_t inferences = word != NULL ? words_number(word) : DEFAULT_INFERENCES;
    if (inferences <= 0) {
        print_line("e-[Inference iterations must be >0]");
        return;
    }
    word = words_next(&rest);
    int32_t warm_up = word != NULL ? words_number(word) : DEFAULT_WARM_UP;
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
    print_results(hil);
}

void results_command(struct hil *hil, char *rest) {
    (void)rest;
    print_results(hil);
}
