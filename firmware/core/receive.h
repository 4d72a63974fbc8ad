/* The queue of received bytes, filled by an interrupt. */
#ifndef TINYHIL_RECEIVE_H
#define TINYHIL_RECEIVE_H

#include <stdint.h>

struct hil;

/* Queues one received byte; safe in an interrupt. */
void hil_receive_byte(struct hil *hil, uint8_t byte);

/* Sleeps until an interrupt, unless a received byte is waiting. */
void hil_receive_wait(struct hil *hil);

#endif
