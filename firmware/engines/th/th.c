/* An engine behind the official API's `th_` functions: a model that has them for the official
 * firmware runs in the harness as it is, and speaks frames too.
 *
 * The numbers that `th_results` prints are read back from its text, as the host does.  The model's
 * raw output stays unknown; in its place are the results, in thousandths.
 *
 * It is C and C++ at once: compile it as the language that the `th_` functions are in. */
#include "th.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "tinyhil.h"

#define RESULTS_MAX      (HIL_OUTPUT_BYTES / 4)
#define DECIMALS_DEFAULT 6u /* Of printf. */
#define DECIMALS_MAX     9u
#define DIGITS_MAX       64u
#define FIXED_MAX        1e9 /* With nine decimals: what 64 bits hold. */

static uint8_t *sample_bytes;
static int32_t results[RESULTS_MAX];
static size_t result_count;

/* The number at hand of what is printed between brackets. */
static struct {
    bool open; /* Between the brackets. */
    bool negative;
    bool begun;
    bool point;
    double digits; /* Without the point. */
    double scale;
} number;

static void end_number(void) {
    if (number.begun && result_count < RESULTS_MAX) {
        double value = number.digits / number.scale;
        results[result_count++] = hil_thousandths((float)(number.negative ? -value : value));
    }
    number.negative = number.begun = number.point = false;
    number.digits = 0.0;
    number.scale = 1.0;
}

/* Takes a character of what is printed.  Before the first sample that is for who reads the port;
 * later, what is not between brackets is for nobody: frames may be on the wire. */
static void put(char text) {
    if (sample_bytes == NULL) {
        port_transmit((uint8_t)text);
    } else if (!number.open) {
        number.open = text == '[';
    } else if (text >= '0' && text <= '9') {
        number.begun = true;
        number.digits = number.digits * 10.0 + (text - '0');
        number.scale *= number.point ? 10.0 : 1.0;
    } else if (text == '.') {
        number.point = true;
    } else {
        end_number();
        number.negative = text == '-';
        number.open = text != ']';
    }
}

static void put_text(const char *text) {
    while (*text != '\0') {
        put(*text++);
    }
}

static void put_unsigned(uint64_t value, uint32_t base, uint32_t least_digits) {
    char digits[DIGITS_MAX + 1u];
    char *first = &digits[sizeof digits - 1u];
    *first = '\0';
    for (uint32_t count = 0; value != 0u || count < least_digits; count++) {
        *--first = "0123456789abcdef"[value % base];
        value /= base;
    }
    put_text(first);
}

static void put_signed(int64_t value, uint32_t least_digits) {
    if (value < 0) {
        put('-');
    }
    put_unsigned(value < 0 ? 0u - (uint64_t)value : (uint64_t)value, 10, least_digits);
}

/* As %f does.  What has no digits there prints none, so that the host misses a number. */
static void put_double(double value, uint32_t decimals) {
    uint64_t scale = 1;
    for (uint32_t i = 0; i < decimals; i++) {
        scale *= 10u;
    }
    if (signbit(value)) {
        put('-');
    }
    if (!(fabs(value) < FIXED_MAX)) {
        put_text("inf or nan");
        return;
    }
    uint64_t fixed = (uint64_t)rint(fabs(value) * (double)scale);
    put_unsigned(fixed / scale, 10, 1);
    if (decimals != 0u) {
        put('.');
        put_unsigned(fixed % scale, 10, decimals);
    }
}

/* The decimal number at the start of `*text`, which is moved behind it. */
static uint32_t take_number(const char **text) {
    uint32_t value = 0;
    while (**text >= '0' && **text <= '9') {
        value = value * 10u + (uint32_t)(*(*text)++ - '0');
    }
    return value;
}

/* One conversion behind its '%'; returns what follows it.  A width without leading zeros only puts
 * blanks beside the number, which change nothing. */
static const char *convert(const char *format, va_list *arguments) {
    format += strspn(format, "-+ #");
    bool zeros = *format == '0';
    uint32_t width = take_number(&format), decimals = DECIMALS_DEFAULT;
    uint32_t least = zeros && width != 0u && width < DIGITS_MAX ? width : 1u;
    if (*format == '.') {
        format++;
        decimals = take_number(&format);
    }
    size_t modifiers = strspn(format, "lzhjt");
    bool wide = modifiers == 2u && *format == 'l';
    format += modifiers;
    switch (*format) {
    case 'd':
    case 'i':
        put_signed(wide ? va_arg(*arguments, long long) : va_arg(*arguments, int), least);
        break;
    case 'u':
    case 'x':
        put_unsigned(wide ? va_arg(*arguments, unsigned long long) : va_arg(*arguments, unsigned),
                     *format == 'x' ? 16u : 10u, least);
        break;
    case 'f':
    case 'e':
    case 'g':
        put_double(va_arg(*arguments, double), decimals < DECIMALS_MAX ? decimals : DECIMALS_MAX);
        break;
    case 'c':
        put((char)va_arg(*arguments, int));
        break;
    case 's':
        put_text(va_arg(*arguments, const char *));
        break;
    default:
        return format; /* Nothing that we know. */
    }
    return format + 1;
}

void th_printf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    while (*format != '\0') {
        if (*format == '%' && format[1] != '%') {
            format = convert(format + 1, &arguments);
        } else {
            format += *format == '%';
            put(*format++);
        }
    }
    va_end(arguments);
}

size_t ee_get_buffer(uint8_t *buffer, size_t max_size) {
    size_t size = max_size < HIL_SAMPLE_BYTES ? max_size : HIL_SAMPLE_BYTES;
    if (buffer != NULL) {
        memcpy(buffer, sample_bytes, size);
    }
    return size;
}

uint8_t *ee_get_buffer_pointer(void) {
    return sample_bytes;
}

const int8_t *engine_open(uint8_t *sample) {
    sample_bytes = sample;
    th_load_tensor();
    th_pre();
    return (const int8_t *)sample;
}

void engine_infer(int8_t *arena, const int8_t *input, int8_t *output) {
    (void)arena, (void)input, (void)output;
    th_infer();
}

void engine_close(uint8_t *sample, int8_t *output) {
    (void)sample;
    th_post();
    number.open = false;
    end_number();
    result_count = 0;
    th_results();
    memset(output, 0, HIL_OUTPUT_BYTES);
    memcpy(output, results, result_count * sizeof results[0]);
}

size_t engine_result_count(void) {
    return result_count;
}

int32_t engine_result(const uint8_t *sample, const int8_t *output, size_t index) {
    (void)sample, (void)output;
    return results[index];
}
