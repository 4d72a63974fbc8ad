/* One frame in and one frame out: COBS, and a CRC over the session's number and the body. */
#ifndef TINYHIL_FRAME_H
#define TINYHIL_FRAME_H

#include "cobs.h"
#include "transport.h"

#define FRAME_BODY_MAX  1032u /* Bytes of a body from the host. */
#define FRAME_REPLY_MAX 8192u /* Bytes of a body to the host. */
#define FRAME_CRC_BYTES 4u

struct frame_reader {
    struct cobs_decoder decoder;
    uint8_t bytes[FRAME_BODY_MAX + FRAME_CRC_BYTES];
};

void hil_frame_reader_init(struct frame_reader *reader);

/* Takes a byte; true when it has ended something with room for a body and its CRC. */
bool hil_frame_read(struct frame_reader *reader, uint8_t byte);

/* Bytes of the body at the start of `bytes`. */
size_t hil_frame_body_size(const struct frame_reader *reader);

/* Whether the frame is whole, and of this session. */
bool hil_frame_is_valid(const struct frame_reader *reader, uint32_t session);

struct frame_writer {
    const struct transport *transport;
    struct hil *hil;
    struct cobs_encoder encoder;
    uint32_t sum;
    bool ended; /* The transport takes no more. */
};

/* Begins a frame of a session; little-endian numbers follow, then `hil_frame_end`. */
void hil_frame_begin(struct frame_writer *writer, uint32_t session);
void hil_frame_put(struct frame_writer *writer, uint64_t value, size_t size);
void hil_frame_put_bytes(struct frame_writer *writer, const uint8_t *bytes, size_t size);
void hil_frame_end(struct frame_writer *writer);

/* The little-endian number in `size` bytes, at most 4. */
uint32_t hil_frame_number(const uint8_t *bytes, size_t size);

#endif
