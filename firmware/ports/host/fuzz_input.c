#include "fuzz_input.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "hil.h"

enum kind {
    START = 0x01,
    DATA = 0x02,
    PING = 0x03,
    LEAVE = 0x04,
};

#define PIECE_MAX    1040u /* A few more than fit a frame. */
#define COMMANDS_MAX 8u
#define FRAMES_MAX   12u
#define DAMAGES_MAX  4u

/* `#` means a number, `@` for hexadecimal digits. */
static const char *const commands[] = {
    "name%",         "profile%",        "timestamp%",
    "help%",         "results%",        "db%",
    "db load #%",    "db load%",        "db @%",
    "db @%",         "db load #%db @%", "db print%",
    "infer # #%",    "infer #%",        "infer%",
    "hil%",          "hil info%",       "hil laps # #%",
    "hil laps%",     "hil laps #%",     "hil stack%",
    "hil output%",   "hil crc%",        "hil baud #%",
    "hil id%",       "hil token #%",    "hil frames%",
    "hil #%",        "  name  #%",      "%",
    "\r\nname\r\n%", "db load # #%",
};

static const int64_t numbers[] = {
    0,           1,
    2,           3,
    8,           15,
    16,          255,
    256,         1023,
    1024,        1025,
    27647,       27648,
    27649,       65535,
    9600,        57600,
    115200,      921600,
    3000000,     2147483647,
    -2147483648, 4294967295,
    -1,          10000000000000000,
};

static uint64_t state;
static struct {
    uint32_t session;
    uint16_t sequence;
    uint8_t turn;
    uint32_t input_size; /* Of the query before, which the next one may keep. */
    uint32_t rest;       /* Bytes of its input that have not been sent. */
} host;

static uint32_t draw(void) {
    /* Marsaglia's xorshift64, its upper half. */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

uint32_t fuzz_below(uint32_t limit) {
    return draw() % limit;
}

int fuzz_chance(uint32_t one_in) {
    return fuzz_below(one_in) == 0u;
}

static void append(struct fuzz_input *input, uint8_t byte) {
    if (input->size < FUZZ_INPUT_MAX) {
        input->bytes[input->size++] = byte;
    }
}

static int64_t any_number(void) {
    if (fuzz_chance(4)) {
        return draw() >> fuzz_below(32);
    }
    /* Small ones more often: they are what a command works with. */
    return numbers[fuzz_below(fuzz_chance(2) ? 8u : sizeof numbers / sizeof numbers[0])];
}

void fuzz_input_text(struct fuzz_input *input, const char *text) {
    while (*text != '\0') {
        append(input, (uint8_t)*text++);
    }
}

static void append_command(struct fuzz_input *input) {
    const char *text = commands[fuzz_below(sizeof commands / sizeof commands[0])];
    for (; *text != '\0'; text++) {
        if (*text == '#') {
            char digits[24];
            snprintf(digits, sizeof digits, "%lld", (long long)any_number());
            fuzz_input_text(input, digits);
        } else if (*text == '@') {
            for (uint32_t left = fuzz_below(80); left != 0u; left--) {
                append(input, (uint8_t)"0123456789abcdefABCDEFx"[fuzz_below(23)]);
            }
        } else {
            append(input, (uint8_t)*text);
        }
    }
}

/* Frames are written by the core's own writer, into the input. */
static bool into_input(struct hil *hil, uint8_t byte) {
    append((struct fuzz_input *)(void *)hil, byte);
    return true;
}

static const struct transport to_input = {.put = into_input};

static void append_frame(struct fuzz_input *input, const uint8_t *body, size_t size,
                         uint32_t session) {
    struct frame_writer writer = {.transport = &to_input, .hil = (struct hil *)(void *)input};
    hil_frame_begin(&writer, session);
    hil_frame_put_bytes(&writer, body, size);
    hil_frame_end(&writer);
}

void fuzz_input_leave(struct fuzz_input *input) {
    append(input, 0);
    append_frame(input, (const uint8_t[]){LEAVE}, 1, 0);
}

static size_t put_number(uint8_t *bytes, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> 8u * i);
    }
    return size;
}

/* A query's head, most often one that is in order; returns its size. */
static size_t make_head(uint8_t *bytes) {
    bool timed = fuzz_chance(3);
    uint8_t flags = (uint8_t)((timed ? 1u : 0u) | (fuzz_chance(2) ? 2u : 0u));
    flags |= timed && fuzz_chance(2) ? 4u : 0u;
    uint32_t size = fuzz_chance(8)   ? (uint32_t)any_number() & 0xffffu
                    : fuzz_chance(4) ? HIL_SAMPLE_BYTES
                                     : fuzz_below(64);
    uint32_t keep = fuzz_chance(8)   ? (uint32_t)any_number() & 0xffffu
                    : fuzz_chance(2) ? 0u
                                     : (size < host.input_size ? size : host.input_size);
    flags ^= fuzz_chance(16) ? (uint8_t)draw() : 0u;
    size_t length = put_number(bytes, flags, 1);
    length += put_number(&bytes[length], size, 2);
    length += put_number(&bytes[length], keep, 2);
    if ((flags & 1u) != 0u) {
        length += put_number(&bytes[length], fuzz_below(fuzz_chance(16) ? 65536u : 3u), 2);
        length += put_number(&bytes[length], fuzz_chance(16) ? draw() : fuzz_below(4), 4);
    }
    host.input_size = size;
    host.rest = keep < size ? size - keep : 0u;
    return length;
}

/* A piece of the stream of queries; one may reach over several pieces. */
static size_t make_piece(uint8_t *piece) {
    size_t size = 0;
    size_t limit = fuzz_chance(4) ? PIECE_MAX : fuzz_below(128) + 1u;
    if (fuzz_chance(16)) {
        host.rest = 0; /* Out of step from here on. */
    }
    while (size < limit) {
        if (host.rest != 0u) {
            host.rest--;
            piece[size++] = fuzz_chance(8) ? (uint8_t)draw() : 0u;
        } else if (limit - size >= 11u) {
            size += make_head(&piece[size]);
        } else {
            break;
        }
    }
    return size;
}

static void append_data(struct fuzz_input *input) {
    uint8_t body[4u + PIECE_MAX];
    uint16_t sequence = host.sequence;
    if (fuzz_chance(8)) {
        sequence = (uint16_t)(sequence + fuzz_below(4) - 2u);
    } else {
        host.sequence++;
    }
    size_t size = put_number(body, DATA, 1);
    size += put_number(&body[size], host.turn, 1);
    size += put_number(&body[size], sequence, 2);
    size += make_piece(&body[size]);
    size = fuzz_chance(16) ? fuzz_below(7) : size;
    append_frame(input, body, size, fuzz_chance(32) ? draw() : host.session);
}

static void append_any_frame(struct fuzz_input *input) {
    uint8_t body[64];
    size_t size;
    switch (fuzz_below(16)) {
    case 0:
        host.session = fuzz_chance(8) ? 0u : draw();
        host.sequence = 0;
        size = put_number(body, START, 1);
        size += put_number(&body[size], host.session, 4);
        append_frame(input, body, size, 0);
        break;
    case 1:
        size = put_number(body, PING, 1);
        size += put_number(&body[size], ++host.turn, 1);
        append_frame(input, body, size, host.session);
        break;
    case 2:
        /* Any kind, any size. */
        size = fuzz_below(sizeof body);
        for (size_t i = 0; i < size; i++) {
            body[i] = (uint8_t)fuzz_below(fuzz_chance(2) ? 6u : 256u);
        }
        append_frame(input, body, size, fuzz_chance(2) ? 0u : host.session);
        break;
    case 3:
        if (fuzz_chance(4)) {
            fuzz_input_leave(input);
            break;
        }
        /* fall through */
    default:
        append_data(input);
    }
}

static void append_session(struct fuzz_input *input) {
    fuzz_input_text(input, fuzz_chance(4) ? "hil frames probe%" : "hil frames wire%");
    host.session = draw() | 1u;
    host.sequence = 0;
    host.input_size = 0;
    uint8_t body[5];
    put_number(body, START, 1);
    put_number(&body[1], host.session, 4);
    append_frame(input, body, sizeof body, 0);
    for (uint32_t left = fuzz_below(FRAMES_MAX); left != 0u; left--) {
        append_any_frame(input);
    }
}

/* Damages a part of the input, in one of the ways in which bytes go wrong. */
static void damage(struct fuzz_input *input) {
    static const uint8_t special[] = {0x00, 0x01, '%', ' ', '\r', 0xff, 0xfe, '0'};
    if (input->size == 0u) {
        return;
    }
    uint8_t *place = &input->bytes[fuzz_below((uint32_t)input->size)];
    size_t behind = (size_t)(&input->bytes[input->size] - place);
    size_t length = fuzz_below(behind < 32u ? (uint32_t)behind : 32u) + 1u;
    switch (fuzz_below(6)) {
    case 0:
        *place ^= (uint8_t)(1u << fuzz_below(8));
        break;
    case 1:
        *place = (uint8_t)draw();
        break;
    case 2:
        *place = special[fuzz_below(sizeof special)];
        break;
    case 3: /* Lost. */
        length = length < behind ? length : behind;
        memmove(place, place + length, behind - length);
        input->size -= length;
        break;
    case 4: /* Repeated. */
        if (length <= behind && input->size + length <= FUZZ_INPUT_MAX) {
            memmove(place + length, place, behind);
            input->size += length;
        }
        break;
    default: /* Cut off. */
        input->size -= behind;
        for (; length != 0u && fuzz_chance(2); length--) {
            append(input, (uint8_t)draw());
        }
    }
}

void fuzz_input_make(struct fuzz_input *input, uint64_t number) {
    /* Numbers that follow each other must not give states that do. */
    state = (number + 1u) * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 4; i++) {
        draw();
    }
    input->size = 0;
    memset(&host, 0, sizeof host);
    for (uint32_t left = fuzz_below(COMMANDS_MAX); left != 0u; left--) {
        append_command(input);
    }
    if (fuzz_chance(2)) {
        append_session(input);
    }
    if (!fuzz_chance(4)) {
        for (uint32_t left = fuzz_below(DAMAGES_MAX) + 1u; left != 0u; left--) {
            damage(input);
        }
    }
}
