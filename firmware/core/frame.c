#include "frame.h"

#include "crc32.h"

void hil_frame_reader_init(struct frame_reader *reader) {
    hil_cobs_decoder_init(&reader->decoder, reader->bytes, sizeof reader->bytes);
}

bool hil_frame_read(struct frame_reader *reader, uint8_t byte) {
    return hil_cobs_decode(&reader->decoder, byte) && reader->decoder.length > FRAME_CRC_BYTES;
}

size_t hil_frame_body_size(const struct frame_reader *reader) {
    return reader->decoder.length - FRAME_CRC_BYTES;
}

static void store(uint8_t *bytes, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> 8u * i);
    }
}

static uint32_t session_sum(uint32_t session) {
    uint8_t bytes[sizeof session];
    store(bytes, session, sizeof bytes);
    return hil_crc32(0, bytes, sizeof bytes);
}

bool hil_frame_is_valid(const struct frame_reader *reader, uint32_t session) {
    size_t size = hil_frame_body_size(reader);
    return hil_crc32(session_sum(session), reader->bytes, size) ==
           hil_frame_number(&reader->bytes[size], FRAME_CRC_BYTES);
}

static void put(void *target, uint8_t byte) {
    struct frame_writer *writer = target;
    writer->ended = writer->ended || !writer->transport->put(writer->hil, byte);
}

void hil_frame_begin(struct frame_writer *writer, uint32_t session) {
    hil_cobs_encoder_init(&writer->encoder, put, writer);
    writer->sum = session_sum(session);
}

void hil_frame_put_bytes(struct frame_writer *writer, const uint8_t *bytes, size_t size) {
    writer->sum = hil_crc32(writer->sum, bytes, size);
    for (size_t i = 0; i < size; i++) {
        hil_cobs_encode(&writer->encoder, bytes[i]);
    }
}

void hil_frame_put(struct frame_writer *writer, uint64_t value, size_t size) {
    uint8_t bytes[sizeof value] = {0};
    store(bytes, value, size);
    hil_frame_put_bytes(writer, bytes, size);
}

void hil_frame_end(struct frame_writer *writer) {
    hil_frame_put(writer, writer->sum, FRAME_CRC_BYTES);
    hil_cobs_end(&writer->encoder);
}

uint32_t hil_frame_number(const uint8_t *bytes, size_t size) {
    uint32_t value = 0;
    for (size_t i = size; i-- != 0u;) {
        value = value << 8 | bytes[i];
    }
    return value;
}
