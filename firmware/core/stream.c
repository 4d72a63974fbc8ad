/* FRAMES.md describes the kinds of frames and what they do. */
#include "stream.h"

#include "crc32.h"
#include "hil.h"
#include "rate.h"
#include "tinyhil.h"

enum kind {
    START = 0x01,
    DATA = 0x02,
    PING = 0x03,
    LEAVE = 0x04,
    STATUS = 0x11,
    RESULT = 0x12,
    REFUSED = 0x13,
};

enum why {
    ACKNOWLEDGES = 0,
    GAP = 1,
    ANSWERS_PING = 2,
    ANSWERS_START = 3,
};

#define START_BYTES       5u
#define DATA_HEAD_BYTES   4u
#define DATA_MAX_BYTES    1028u
#define PING_BYTES        2u
#define LEAVE_BYTES       1u
#define RESULT_HEAD_BYTES 32u

#define FRAMES_AN_ACKNOWLEDGEMENT 2u

_Static_assert(DATA_MAX_BYTES <= FRAME_BODY_MAX, "frames from the host");
_Static_assert(!HIL_EXTENSION ||
                   RESULT_HEAD_BYTES + 4u * HIL_RESULTS_MAX + HIL_OUTPUT_BYTES + 4u * HIL_LAPS <=
                       FRAME_REPLY_MAX,
               "frames to the host; fewer laps would make room for more outputs");

static struct frame_writer *begin(struct stream *stream, enum kind kind) {
    hil_frame_begin(&stream->writer, stream->session);
    hil_frame_put(&stream->writer, kind, 1);
    return &stream->writer;
}

static void send_status(struct stream *stream, uint8_t turn, enum why why) {
    struct frame_writer *writer = begin(stream, STATUS);
    hil_frame_put(writer, turn, 1);
    hil_frame_put(writer, why, 1);
    hil_frame_put(writer, stream->expected, 2);
    hil_frame_put(writer, stream->number, 4);
    if (why == ANSWERS_START) {
        /* Who answers: a device that was reset, or another one, must not pass for this one. */
        hil_frame_put_bytes(writer, writer->hil->token, IDENTITY_TOKEN_BYTES);
        hil_frame_put_bytes(writer, port_build_id(), IDENTITY_BUILD_BYTES);
    }
    hil_frame_end(writer);
    stream->unacknowledged = 0;
}

static void send_refused(struct stream *stream) {
    struct frame_writer *writer = begin(stream, REFUSED);
    hil_frame_put(writer, stream->number, 4);
    hil_frame_put(writer, stream->query.reason, 1);
    hil_frame_end(writer);
}

static void send_result(struct hil *hil, struct query_times times) {
    struct stream *stream = &hil->stream;
    struct frame_writer *writer = begin(stream, RESULT);
    size_t results = engine_result_count();
    size_t outputs = (stream->query.flags & QUERY_OUTPUT) != 0u ? HIL_OUTPUT_BYTES : 0u;
    size_t laps = (stream->query.flags & QUERY_LAPS) != 0u ? hil->lap_count : 0u;
    hil_frame_put(writer, stream->expected, 2);
    hil_frame_put(writer, stream->number, 4);
    /* Of the buffer after the inference: a change during the inference shows too. */
    hil_frame_put(writer, hil_crc32(0, hil->input, hil->input_size), 4);
    hil_frame_put(writer, times.start, 8);
    hil_frame_put(writer, times.end, 8);
    hil_frame_put(writer, results, 1);
    hil_frame_put(writer, outputs, 2);
    hil_frame_put(writer, laps, 2);
    for (size_t i = 0; i < results; i++) {
        hil_frame_put(writer, (uint32_t)engine_result(hil->input, hil->output, i), 4);
    }
    hil_frame_put_bytes(writer, (const uint8_t *)hil->output, outputs);
    for (size_t i = 0; i < laps; i++) {
        hil_frame_put(writer, hil->laps[i], 4);
    }
    hil_frame_end(writer);
    stream->unacknowledged = 0;
}

/* Takes bytes of the stream of queries, and answers those that they complete. */
static void take_queries(struct hil *hil, const uint8_t *bytes, size_t size) {
    struct stream *stream = &hil->stream;
    while (!stream->writer.ended) {
        enum query_state state = hil_query_take(hil, &stream->query, &bytes, &size);
        if (state == QUERY_UNDER_WAY) {
            return;
        }
        if (state == QUERY_REFUSED) {
            stream->refused = true;
            send_refused(stream);
            return;
        }
        send_result(hil, hil_query_run(hil, &stream->query));
        stream->number++;
        hil_query_init(&stream->query);
    }
}

static void take_data(struct hil *hil, const uint8_t *body, size_t size) {
    struct stream *stream = &hil->stream;
    uint8_t turn = body[1];
    if (hil_frame_number(&body[2], 2) != stream->expected) {
        if (!stream->gap_told || stream->gap_turn != turn ||
            stream->gap_expected != stream->expected) {
            stream->gap_told = true;
            stream->gap_turn = turn;
            stream->gap_expected = stream->expected;
            send_status(stream, turn, GAP);
        }
        return;
    }
    stream->expected++;
    /* Before the inference, which may be long: the host's window must move during it. */
    if (++stream->unacknowledged == FRAMES_AN_ACKNOWLEDGEMENT) {
        send_status(stream, turn, ACKNOWLEDGES);
    }
    take_queries(hil, &body[DATA_HEAD_BYTES], size - DATA_HEAD_BYTES);
}

static void start(struct hil *hil, uint32_t session) {
    struct stream *stream = &hil->stream;
    stream->session = session;
    stream->expected = 0;
    stream->gap_told = false;
    stream->refused = false;
    stream->number = 0;
    hil_query_init(&stream->query);
    hil->input_size = 0;
    hil->input_position = 0;
    send_status(stream, 0, ANSWERS_START);
}

/* Does what a frame asks for; false when that is to leave.  What is not a frame is dropped. */
static bool take_frame(struct hil *hil) {
    struct stream *stream = &hil->stream;
    const uint8_t *body = stream->reader.bytes;
    size_t size = hil_frame_body_size(&stream->reader);
    bool any_session = body[0] == START || body[0] == LEAVE;
    uint32_t session = any_session ? 0 : stream->session;
    if ((session == 0u && !any_session) || !hil_frame_is_valid(&stream->reader, session)) {
        return true;
    }
    hil_rate_proven(hil);
    if (body[0] == LEAVE && size == LEAVE_BYTES) {
        return false;
    }
    if (body[0] == START && size == START_BYTES && hil_frame_number(&body[1], 4) != 0u) {
        start(hil, hil_frame_number(&body[1], 4));
    } else if (body[0] == PING && size == PING_BYTES) {
        send_status(stream, body[1], ANSWERS_PING);
    } else if (body[0] == DATA && size > DATA_HEAD_BYTES && size <= DATA_MAX_BYTES &&
               !stream->refused) {
        take_data(hil, body, size);
    }
    return true;
}

void hil_stream_serve(struct hil *hil, const struct transport *transport) {
    struct stream *stream = &hil->stream;
    hil_frame_reader_init(&stream->reader);
    stream->writer.transport = transport;
    stream->writer.hil = hil;
    stream->writer.ended = false;
    stream->session = 0;
    bool stays = true;
    while (stays && !stream->writer.ended) {
        int byte = transport->take(hil);
        if (byte == TRANSPORT_ENDED) {
            return;
        }
        stays = !hil_frame_read(&stream->reader, (uint8_t)byte) || take_frame(hil);
    }
}
