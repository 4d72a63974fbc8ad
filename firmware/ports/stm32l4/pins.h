/* GPIO of the STM32L4 and L4+: RM0351 and RM0432, 8.4 (GPIO registers).  A pin is a port's letter
 * and its number: PIN('B', 6). */
#ifndef TINYHIL_STM32L4_PINS_H
#define TINYHIL_STM32L4_PINS_H

#include <stdbool.h>
#include <stdint.h>

#include "registers.h"

#define PIN(letter, number) ((uint32_t)((letter) - 'A') << 4 | (number))

#define GPIO(pin, offset) REGISTER(0x48000000u + 0x400u * ((pin) >> 4) + (offset))
#define GPIO_MODER(pin)   GPIO(pin, 0x00u)
#define GPIO_OSPEEDR(pin) GPIO(pin, 0x08u)
#define GPIO_PUPDR(pin)   GPIO(pin, 0x0cu)
#define GPIO_BSRR(pin)    GPIO(pin, 0x18u)
#define GPIO_AFR(pin)     GPIO(pin, 0x20u + 4u * (((pin) & 15u) >> 3))

#define GPIO_OUTPUT    1u
#define GPIO_ALTERNATE 2u
#define GPIO_PULL_UP   1u
#define GPIO_HIGH      2u /* Speed: edges for 80 MHz. */

/* Sets the pin's field of `bits` bits in a register that has one for each pin. */
static inline void pin_field(volatile uint32_t *word, uint32_t place, uint32_t bits,
                             uint32_t value) {
    uint32_t shift = place * bits;
    *word = (*word & ~(((1u << bits) - 1u) << shift)) | value << shift;
}

/* Drives the pin; true is high. */
static inline void pin_set(uint32_t pin, bool high) {
    GPIO_BSRR(pin) = 1u << ((pin & 15u) + (high ? 0u : 16u));
}

/* Gives the pin to a peripheral: alternate function 0 to 15 of the data sheet's table. */
static inline void pin_function(uint32_t pin, uint32_t function) {
    RCC_AHB2ENR |= 1u << (pin >> 4);
    (void)RCC_AHB2ENR;
    pin_field(&GPIO_AFR(pin), pin & 7u, 4, function);
    pin_field(&GPIO_PUPDR(pin), pin & 15u, 2, GPIO_PULL_UP);
    pin_field(&GPIO_OSPEEDR(pin), pin & 15u, 2, GPIO_HIGH);
    pin_field(&GPIO_MODER(pin), pin & 15u, 2, GPIO_ALTERNATE);
}

/* Makes the pin an output that is high. */
static inline void pin_output(uint32_t pin) {
    RCC_AHB2ENR |= 1u << (pin >> 4);
    (void)RCC_AHB2ENR;
    pin_set(pin, true);
    pin_field(&GPIO_OSPEEDR(pin), pin & 15u, 2, GPIO_HIGH);
    pin_field(&GPIO_MODER(pin), pin & 15u, 2, GPIO_OUTPUT);
}

#endif
