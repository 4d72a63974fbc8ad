#include "cobs.h"

void hil_cobs_decoder_init(struct cobs_decoder *decoder, uint8_t *bytes, size_t capacity) {
    *decoder = (struct cobs_decoder){.bytes = bytes, .capacity = capacity};
}

static void append(struct cobs_decoder *decoder, uint8_t byte) {
    if (decoder->length == decoder->capacity) {
        decoder->damaged = true;
        return;
    }
    decoder->bytes[decoder->length++] = byte;
}

bool hil_cobs_decode(struct cobs_decoder *decoder, uint8_t byte) {
    if (decoder->ended) {
        hil_cobs_decoder_init(decoder, decoder->bytes, decoder->capacity);
    }
    if (byte == 0u) {
        decoder->ended = true;
        return decoder->length != 0u && decoder->left == 0u && !decoder->damaged;
    }
    if (decoder->left != 0u) {
        decoder->left--;
        append(decoder, byte);
        return false;
    }
    if (decoder->zero_due) {
        append(decoder, 0u);
    }
    decoder->left = (uint8_t)(byte - 1u);
    decoder->zero_due = decoder->left != COBS_BLOCK;
    return false;
}

void hil_cobs_encoder_init(struct cobs_encoder *encoder, void (*put)(void *, uint8_t),
                           void *target) {
    encoder->put = put;
    encoder->target = target;
    encoder->length = 0;
}

static void end_block(struct cobs_encoder *encoder) {
    encoder->put(encoder->target, (uint8_t)(encoder->length + 1u));
    for (uint8_t i = 0; i < encoder->length; i++) {
        encoder->put(encoder->target, encoder->block[i]);
    }
    encoder->length = 0;
}

void hil_cobs_encode(struct cobs_encoder *encoder, uint8_t byte) {
    if (byte == 0u) {
        end_block(encoder);
        return;
    }
    encoder->block[encoder->length++] = byte;
    if (encoder->length == COBS_BLOCK) {
        end_block(encoder);
    }
}

void hil_cobs_end(struct cobs_encoder *encoder) {
    end_block(encoder);
    encoder->put(encoder->target, 0u);
}
