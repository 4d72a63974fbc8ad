/* Consistent overhead byte stuffing (Cheshire and Baker, 1999): bytes without 0x00, so that 0x00
 * can end a frame.  Either way byte by byte, without a copy of the whole. */
#ifndef TINYHIL_COBS_H
#define TINYHIL_COBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COBS_BLOCK 254u /* Bytes, none of them 0x00, that one code byte can represent. */

struct cobs_decoder {
    uint8_t *bytes; /* The caller's; what the frame at hand has brought. */
    size_t capacity;
    size_t length;
    uint8_t left;  /* Bytes until the next code byte. */
    bool zero_due; /* The next code byte means a 0x00 before its own block. */
    bool damaged;  /* What has come is not a frame, or too long. */
    bool ended;    /* The next byte begins a new frame. */
};

/* Begins with a new frame. */
void hil_cobs_decoder_init(struct cobs_decoder *decoder, uint8_t *bytes, size_t capacity);

/* Takes a byte; true when it has ended a frame, which then is in `bytes` until the next call.
 * What can't be a frame is dropped. */
bool hil_cobs_decode(struct cobs_decoder *decoder, uint8_t byte);

/* A block at hand and where it goes. */
struct cobs_encoder {
    void (*put)(void *target, uint8_t byte);
    void *target;
    uint8_t length;
    uint8_t block[COBS_BLOCK];
};

void hil_cobs_encoder_init(struct cobs_encoder *encoder, void (*put)(void *, uint8_t),
                           void *target);
void hil_cobs_encode(struct cobs_encoder *encoder, uint8_t byte);

/* Ends the frame, with its 0x00. */
void hil_cobs_end(struct cobs_encoder *encoder);

#endif
