/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device of ours needs of QEMU, declared by hand, and what it calls of `qemu.c`.
 *
 * QEMU exports these symbols for its own modules; they are no stable interface. So nothing here is
 * believed: `devices_ready` tries each of them in the QEMU that runs, before the board may start.
 */
#ifndef TINYHIL_QEMU_H
#define TINYHIL_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t hwaddr;
typedef uint64_t qemu_plugin_id_t;
typedef struct MemoryRegion MemoryRegion;
typedef struct Error Error;
typedef struct Object Object;
typedef struct CPUState CPUState;
typedef uint32_t MemTxResult;
enum {
    MEMTX_OK = 0,
    MEMTX_ERROR = 1,
    DEVICE_LITTLE_ENDIAN = 2,
    QEMU_CLOCK_REALTIME = 0,
    QEMU_CLOCK_VIRTUAL = 1
};

typedef struct {
    void *read, *write; /* the plain forms, which we leave out */
    MemTxResult (*read_with_attrs)(void *opaque, hwaddr address, uint64_t *value, unsigned size);
    MemTxResult (*write_with_attrs)(void *opaque, hwaddr address, uint64_t value, unsigned size);
    int endianness;
    struct {
        unsigned min_access_size, max_access_size;
        bool unaligned;
        void *accepts;
    } valid;
    struct {
        unsigned min_access_size, max_access_size;
        bool unaligned;
    } impl;
} MemoryRegionOps;

void *memory_region_get_ram_ptr(MemoryRegion *region);
void memory_region_flush_rom_device(MemoryRegion *region, hwaddr address, hwaddr size);
void memory_region_rom_device_set_romd(MemoryRegion *region, bool readable);
int64_t qemu_clock_get_ns(int clock);
bool runstate_is_running(void);
void qemu_register_reset(void (*reset)(void *), void *opaque);

/* A device of ours: called once, when the machine is built. */
void add_devices(void);
/* An argument of the command line; false if the device knows none of this name. */
bool take_argument(const char *name, unsigned value);

/* Registers at `address` of the bus; accesses of 1 to 4 bytes reach `ops`. */
MemoryRegion *add_registers(hwaddr address, uint64_t size, const MemoryRegionOps *ops);
/* The same among the core's own peripherals, which other bus masters do not see. */
MemoryRegion *add_private_registers(hwaddr address, uint64_t size, const MemoryRegionOps *ops);
/* Memory that reads at full speed and whose writes reach `ops`; seen at `alias` too. */
MemoryRegion *add_flash(hwaddr address, hwaddr alias, uint64_t size, const MemoryRegionOps *ops);

/* Say why on stderr, which becomes the error that the user sees, and end QEMU. */
_Noreturn void refuse(const char *why);

#define DEVICE_OPS(reads, writes, least)                                                           \
    {                                                                                              \
        .read_with_attrs = reads,                                                                  \
        .write_with_attrs = writes,                                                                \
        .endianness = DEVICE_LITTLE_ENDIAN,                                                        \
        .valid = {least, 4, false, NULL},                                                          \
        .impl = {least, 4, false},                                                                 \
    }

#endif
