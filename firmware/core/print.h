/* Formatted output to the UART without printf: no heap, no varargs, a known stack depth. */
#ifndef TINYHIL_PRINT_H
#define TINYHIL_PRINT_H

#include <stdint.h>

void hil_print_text(const char *text);
void hil_print_line(const char *text); /* The text and the line end of the protocol, CR LF. */
void hil_print_unsigned(uint64_t value);
void hil_print_signed(int32_t value);
void hil_print_hex_byte(uint8_t value);

/* With three decimals. */
void hil_print_thousandths(int32_t value);

/* Text that came over the wire: what is not printable ASCII is shown as '?'. */
void hil_print_untrusted(const char *text);

#endif
