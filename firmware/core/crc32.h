/* The CRC-32 of zlib, Ethernet and PNG (reflected, polynomial 0x04c11db7). */
#ifndef TINYHIL_CRC32_H
#define TINYHIL_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The sum of what had the sum `sum` (of nothing: 0) and then these bytes; as zlib's. */
uint32_t hil_crc32(uint32_t sum, const uint8_t *bytes, size_t size);

#endif
