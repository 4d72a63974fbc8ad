#include "print.h"

#include "tinyhil.h"

void hil_print_text(const char *text) {
    while (*text != '\0') {
        port_transmit((uint8_t)*text++);
    }
}

void hil_print_line(const char *text) {
    hil_print_text(text);
    hil_print_text("\r\n");
}

void hil_print_unsigned(uint64_t value) {
    char digits[21]; /* 2^64 has 20 digits. */
    char *first = &digits[20];
    *first = '\0';
    do {
        *--first = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0u);
    hil_print_text(first);
}

void hil_print_signed(int32_t value) {
    if (value < 0) {
        port_transmit('-');
    }
    hil_print_unsigned(value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

void hil_print_hex_byte(uint8_t value) {
    static const char digits[] = "0123456789abcdef";
    port_transmit((uint8_t)digits[value >> 4]);
    port_transmit((uint8_t)digits[value & 15u]);
}

void hil_print_thousandths(int32_t value) {
    uint32_t size = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    if (value < 0) {
        port_transmit('-');
    }
    hil_print_unsigned(size / 1000u);
    port_transmit('.');
    port_transmit((uint8_t)('0' + size / 100u % 10u));
    port_transmit((uint8_t)('0' + size / 10u % 10u));
    port_transmit((uint8_t)('0' + size % 10u));
}

void hil_print_untrusted(const char *text) {
    for (; *text != '\0'; text++) {
        port_transmit((uint8_t)(*text >= ' ' && *text <= '~' ? *text : '?'));
    }
}
