/* The serial line between device and host: a UART's wire (8N1), a USB adapter and a pty.
 *
 * Every byte has the moment at which it has passed the wire.  The moments are computed, never
 * measured, so that a process that wakes up late loses nothing: what is due is made up for, and the
 * wire is as fast as its rate says.
 *
 * To the device, bytes are taken off the pty a little ahead of the wire, as an adapter's buffer
 * does; when that is full, the host's writes wait.  To the host, the adapter holds bytes until it
 * has a packet full or until its latency timer runs out.  USB itself takes no time here.
 *
 * A side that listens at another rate than the other one speaks reads each byte as a UART would
 * that samples at the wrong moments. */
#ifndef TINYHIL_HOST_LINE_H
#define TINYHIL_HOST_LINE_H

#include <stdbool.h>
#include <stdint.h>

struct line_options {
    int pty;            /* The pty's end that is ours. */
    uint32_t baud;      /* Of the device; 0: bytes take no time and no rate is ever wrong. */
    int64_t latency_ns; /* How long the adapter holds a byte while its packet is not full. */
    bool paced;         /* Else nothing takes any time. */
};

void line_open(const struct line_options *options);

/* Changes the device's rate, for bytes that are sent or come off the pty from now on; unless none
 * is ever wrong. */
void line_set_baud(uint32_t baud);

/* To the host: puts a byte on the wire, at `moment` or when the wire is free.  There must be room
 * (`line_is_full`). */
void line_send(uint8_t byte, int64_t moment);
int64_t line_free_at(void);
bool line_is_full(void);

/* To the device: whether a byte is under way, and when it is whole; then takes it. */
bool line_next(int64_t *moment);
uint8_t line_take(void);

/* How long the device may leave a byte unserved without the host being able to see it: what it
 * sends in answer stays that long in the adapter. */
int64_t line_slack(void);

/* By when somebody has to look who waits for bytes to the device. */
int64_t line_patience(void);

/* Takes from the pty what the host has written, and gives it the packets that are due. */
void line_exchange(int64_t now);

/* Sleeps until `moment`, or until `line_exchange` has something to do. */
void line_wait(int64_t now, int64_t moment);

#endif
