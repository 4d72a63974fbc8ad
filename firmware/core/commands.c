#include "commands.h"

#include <string.h>

#include "clock.h"
#include "families.h"
#include "print.h"
#include "words.h"

static void name_command(struct hil *hil, char *rest) {
    (void)hil, (void)rest;
    hil_print_line("m-name-dut-[" HIL_VENDOR "]");
}

static void profile_command(struct hil *hil, char *rest) {
    (void)hil, (void)rest;
    hil_print_line("m-profile-[ULPMark for tinyML Firmware V0.0.1]");
    hil_print_line("m-model-[" HIL_TASK "]");
}

static void timestamp_command(struct hil *hil, char *rest) {
    (void)rest;
    hil_clock_stamp(hil);
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
    {"db", hil_buffer_command, "db load N | db HEX | db print : the input buffer"},
    {"infer", hil_infer_command, "infer N [W]      : W warm-up and N timed inferences"},
    {"results", hil_results_command, "results          : scores of the last inference"},
#if HIL_EXTENSION
    {"hil", hil_extension_command,
     "hil info | id | token HEX | laps FIRST COUNT | stack | output | crc : our own\r\n"
     "hil frames wire/probe | baud N : to frames, and another rate"},
#endif
    {"help", help_command, "help             : this text"},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void help_command(struct hil *hil, char *rest) {
    (void)hil, (void)rest;
    hil_print_line("MLPerf Tiny device firmware of tinyhil; a command ends in '%'");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        hil_print_line(commands[i].help);
    }
}

void hil_commands_run(struct hil *hil, char *text) {
    char *name = hil_words_next(&text);
    for (size_t i = 0; name != NULL && i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            commands[i].run(hil, text);
            return;
        }
    }
    hil_words_unknown(hil, "", name != NULL ? name : "");
}
