/* The process: reads the command line, then becomes the device.
 *
 * SIGUSR1 is its reset: the program runs again, and with it the firmware; bytes on their way
 * through the adapter are lost.  The end of the process is the device's death. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "hex.h"
#include "moment.h"
#include "tinyhil.h"

#undef main /* The firmware's is renamed by native_build.py. */
int firmware_main(void);

static char **arguments;

static void reset(int number) {
    (void)number;
    /* SIGUSR1 stays blocked until the new run has a handler for it. */
    execv("/proc/self/exe", arguments);
    _exit(EXIT_FAILURE);
}

/* A whole number of the command line, or the process's end. */
static uint32_t number(const char *text) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value > UINT32_MAX) {
        fprintf(stderr, "'%s' is not a number that fits\n", text);
        exit(EXIT_FAILURE);
    }
    return (uint32_t)value;
}

/* Twenty bytes in hexadecimal digits, or the process's end. */
static void read_build_id(const char *text, uint8_t *bytes) {
    bool whole = strlen(text) == 2u * IDENTITY_BUILD_BYTES;
    for (size_t i = 0; whole && i < IDENTITY_BUILD_BYTES; i++) {
        int value = hex_byte(&text[2u * i]);
        bytes[i] = (uint8_t)value;
        whole = value >= 0;
    }
    if (!whole) {
        fprintf(stderr, "'%s' is not a build id\n", text);
        exit(EXIT_FAILURE);
    }
}

static void listen_for_reset(void) {
    struct sigaction action = {.sa_handler = reset};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigaction(SIGUSR1, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

int main(int argc, char **argv) {
    static const struct option known[] = {
        {"pty", required_argument, NULL, 'p'},
        {"baud", required_argument, NULL, 'b'},
        {"latency-us", required_argument, NULL, 'l'},
        {"infer-us", required_argument, NULL, 'i'},
        {"variant", required_argument, NULL, 'v'},
        {"unpaced", no_argument, NULL, 'u'},
        {"no-wait", no_argument, NULL, 'n'},
        {"build-id", required_argument, NULL, 'd'},
        {0},
    };
    struct device_options options = {.line = {.pty = -1, .paced = true}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'p':
            options.line.pty = (int)number(optarg);
            break;
        case 'b':
            options.line.baud = number(optarg);
            break;
        case 'l':
            options.line.latency_ns = number(optarg) * NS_A_US;
            break;
        case 'i':
            options.infer_us = number(optarg);
            break;
        case 'v':
            options.variant = number(optarg);
            break;
        case 'u':
            options.line.paced = false;
            break;
        case 'd':
            read_build_id(optarg, options.build_id);
            break;
        case 'n':
            options.no_wait = true;
            break;
        default:
            return EXIT_FAILURE;
        }
    }
    arguments = argv;
    listen_for_reset();
    device_configure(&options);
    return firmware_main();
}
