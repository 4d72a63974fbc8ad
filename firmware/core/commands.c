#include "commands.h"

#include <string.h>

#include "clock.h"
#include "print.h"

char *commands_word(char **rest) {
    char *word = *rest + strspn(*rest, " ");
    if (*word == '\0') {
        return NULL;
    }
    char *end = word + strcspn(word, " ");
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

int32_t commands_number(const char *word) {
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

static void name_command(struct hil *hil, char *rest) {
    (void)hil, (void)rest;
    print_line("m-name-dut-[tinyhil]");
}

static void profile_command(struct hil *hil, char *rest) {
    (void)hil, (void)rest;
    print_line("m-profile-[ULPMark for tinyML Firmware V0.0.1]");
    print_line("m-model-[" HIL_TASK "]");
}

static void timestamp_command(struct hil *hil, char *rest) {
    (void)rest;
    clock_stamp(hil);
}

static void results_command(struct hil *hil, char *rest) {
    (void)rest;
    infer_results(hil);
}

static void help_command(struct hil *hil, char *rest);

static const struct command {
    const char *name;
    void (*run)(struct hil *hil, char *rest);
    const char *help;
} commands[] = {
    {"name", name_command, "name             : who made the device"},
    {"profile", profile_command, "profile          : firmware profile and model"},
    {"timestamp", timestamp_command, "timestamp        : microseconds since boot, or a pin edge"},
    {"db", buffer_command, "db load N | db HEX | db print : the input buffer"},
    {"infer", infer_command, "infer N [W]      : W warm-up and N timed inferences"},
    {"results", results_command, "results          : scores of the last inference"},
    {"hil", extension_command,
     "hil info | id | token HEX | laps FIRST COUNT | stack | output | crc | frames wire/probe | "
     "baud "
     "N : our own"},
    {"help", help_command, "help             : this text"},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void help_command(struct hil *hil, char *rest) {
    (void)hil, (void)rest;
    print_line("MLPerf Tiny device firmware of tinyhil; a command ends in '%'");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        print_line(commands[i].help);
    }
}

void commands_run(struct hil *hil, char *text) {
    char *name = commands_word(&text);
    for (size_t i = 0; name != NULL && i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            commands[i].run(hil, text);
            return;
        }
    }
    commands_unknown(hil, "", name != NULL ? name : "");
}

void commands_unknown(struct hil *hil, const char *family, const char *name) {
    hil->command_unknown = true;
    print_text("e-[Unknown command: ");
    print_text(family);
    print_untrusted(name);
    print_line("]");
}
