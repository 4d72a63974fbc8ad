/* Hexadecimal digits of a command. */
#ifndef TINYHIL_HEX_H
#define TINYHIL_HEX_H

/* Value of one digit, -1 if it is not a digit. */
static inline int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Value of the first two digits, -1 if one is not a digit; the second may be the terminator. */
static inline int hex_byte(const char *digits) {
    int high = hex_digit(digits[0]);
    int low = high < 0 ? -1 : hex_digit(digits[1]);
    return low < 0 ? -1 : high << 4 | low;
}

#endif
