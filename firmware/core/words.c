#include "words.h"

#include <string.h>

#include "hil.h"
#include "print.h"

char *hil_words_next(char **rest) {
    char *word = *rest + strspn(*rest, " ");
    if (*word == '\0') {
        return NULL;
    }
    char *end = word + strcspn(word, " ");
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

int32_t hil_words_number(const char *word) {
    bool negative = *word == '-';
    int64_t value = 0;
    for (word += negative; *word >= '0' && *word <= '9'; word++) {
        if (value <= INT32_MAX) {
            value = value * 10 + (*word - '0');
        }
    }
    value = value > INT32_MAX ? INT32_MAX : value;
    return (int32_t)(negative ? -value : value);
}

void hil_words_unknown(struct hil *hil, const char *family, const char *name) {
    hil->command_unknown = true;
    hil_print_text("e-[Unknown command: ");
    hil_print_text(family);
    hil_print_untrusted(name);
    hil_print_line("]");
}
