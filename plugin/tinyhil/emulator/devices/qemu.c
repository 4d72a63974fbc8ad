/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads devices of ours into a stock QEMU (`-plugin`) and proves that they fit it.
 *
 * A mistake about QEMU's structs would show as a crash or as wrong bytes, maybe hours later. So
 * before the board may start, a device made for the purpose is accessed through QEMU in each way
 * that is used, and must see exactly those accesses; what crashes then is an error with a name.
 */
#include "qemu.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

MemoryRegion *get_system_memory(void);
void memory_region_init_io(MemoryRegion *region, Object *owner, const MemoryRegionOps *ops,
                           void *opaque, const char *name, uint64_t size);
bool memory_region_init_rom_device(MemoryRegion *region, Object *owner, const MemoryRegionOps *ops,
                                   void *opaque, const char *name, uint64_t size, Error **error);
void memory_region_init_alias(MemoryRegion *region, Object *owner, const char *name,
                              MemoryRegion *of, hwaddr offset, uint64_t size);
void memory_region_add_subregion_overlap(MemoryRegion *into, hwaddr offset, MemoryRegion *region,
                                         int priority);
void memory_region_del_subregion(MemoryRegion *from, MemoryRegion *region);
Object *object_resolve_path(const char *path, bool *ambiguous);
Object *object_dynamic_cast(Object *object, const char *type);
CPUState *qemu_get_cpu(int number);
void cpu_interrupt(CPUState *core, int mask);
void cpu_physical_memory_rw(hwaddr address, void *data, hwaddr size, bool write);
void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id,
                                       void (*call)(qemu_plugin_id_t, unsigned));

/* The oldest that QEMU 9 and 10 take; of its functions, we use one. */
EXPORTED int qemu_plugin_version = 2;

enum { ABOVE = 10, STRUCT_MOST = 4096, CANARY = 0xA5, TRIAL_SIZE = 0x1000 };
static const hwaddr trial_at = 0xDF000000; /* where no board of ours has anything */
static const char core_path[] = "/machine/soc/armv7m/armv7m-container[0]";
static const hwaddr wake_at = 0x5FFFF000; /* ours: see `write_wake`, and emulator/machine.py */
enum { CPU_INTERRUPT_EXITTB = 4 };
static int ready_fd = -1;
static sigjmp_buf crashed;

_Noreturn void refuse(const char *why) {
    fprintf(stderr, "tinyhil devices do not fit this QEMU: %s\n", why);
    fflush(stderr);
    _exit(1);
}

/* QEMU's struct is opaque here: more room than it needs, of which the rest must stay as it is. */
static MemoryRegion *new_region(void) {
    unsigned char *room = malloc(2 * STRUCT_MOST);
    if (!room)
        refuse("no memory");
    memset(room, 0, STRUCT_MOST);
    memset(room + STRUCT_MOST, CANARY, STRUCT_MOST);
    return (MemoryRegion *)room;
}

static void check_room(const MemoryRegion *region) {
    const unsigned char *room = (const unsigned char *)region;
    for (size_t i = STRUCT_MOST; i < 2 * STRUCT_MOST; i++)
        if (room[i] != CANARY)
            refuse("its MemoryRegion is larger than was reserved");
}

static MemoryRegion *add_io(MemoryRegion *into, hwaddr address, uint64_t size,
                            const MemoryRegionOps *ops) {
    MemoryRegion *region = new_region();
    memory_region_init_io(region, NULL, ops, NULL, "tinyhil.registers", size);
    check_room(region);
    memory_region_add_subregion_overlap(into, address, region, ABOVE);
    return region;
}

MemoryRegion *add_registers(hwaddr address, uint64_t size, const MemoryRegionOps *ops) {
    return add_io(get_system_memory(), address, size, ops);
}

MemoryRegion *add_private_registers(hwaddr address, uint64_t size, const MemoryRegionOps *ops) {
    bool ambiguous = false;
    Object *found = object_resolve_path(core_path, &ambiguous);
    if (!found || !object_dynamic_cast(found, "memory-region"))
        refuse("its core's address space is not where it was");
    return add_io((MemoryRegion *)found, address, size, ops);
}

static MemoryRegion *flash_alias;

MemoryRegion *add_flash(hwaddr address, hwaddr alias, uint64_t size, const MemoryRegionOps *ops) {
    MemoryRegion *flash = new_region(), *again = flash_alias = new_region();
    Error *error = NULL;
    char name[24];
    snprintf(name, sizeof name, "tinyhil.flash-%08x", (unsigned)address);
    memory_region_init_rom_device(flash, NULL, ops, NULL, name, size, &error);
    if (error)
        refuse("it makes no flash memory");
    check_room(flash);
    memset(memory_region_get_ram_ptr(flash), 0xff, size);
    memory_region_add_subregion_overlap(get_system_memory(), address, flash, ABOVE);
    memory_region_init_alias(again, NULL, "tinyhil.flash.alias", flash, 0, size);
    check_room(again);
    memory_region_add_subregion_overlap(get_system_memory(), alias, again, ABOVE);
    return flash;
}

/* What the trial device has seen last. */
static struct {
    hwaddr address;
    uint64_t value;
    unsigned size, reads, writes;
} seen;

static MemTxResult trial_read(void *opaque, hwaddr address, uint64_t *value, unsigned size) {
    (void)opaque;
    seen.address = address;
    seen.size = size;
    seen.reads++;
    *value = 0x8badf00d >> 8 * (address & 3);
    return MEMTX_OK;
}

static MemTxResult trial_write(void *opaque, hwaddr address, uint64_t value, unsigned size) {
    (void)opaque;
    seen.address = address;
    seen.value = value;
    seen.size = size;
    seen.writes++;
    return MEMTX_OK;
}

static const MemoryRegionOps trial_ops = DEVICE_OPS(trial_read, trial_write, 1);

static void try_registers(void) {
    MemoryRegion *region = add_registers(trial_at, TRIAL_SIZE, &trial_ops);
    uint32_t word = 0x12345678;
    uint16_t half = 0;
    cpu_physical_memory_rw(trial_at + 0x24, &word, 4, true);
    if (seen.writes != 1 || seen.address != 0x24 || seen.size != 4 || seen.value != word)
        refuse("a register is not written as it should be");
    cpu_physical_memory_rw(trial_at + 0x28, &word, 4, false);
    if (seen.reads != 1 || seen.address != 0x28 || word != 0x8badf00d)
        refuse("a register is not read as it should be");
    cpu_physical_memory_rw(trial_at + 0x2a, &half, 2, false);
    if (seen.address != 0x2a || seen.size != 2 || half != 0x8bad)
        refuse("half a register is not read as it should be");
    memory_region_del_subregion(get_system_memory(), region);
}

static void try_flash(void) {
    MemoryRegion *flash = add_flash(trial_at, trial_at + TRIAL_SIZE, TRIAL_SIZE, &trial_ops);
    unsigned char *bytes = memory_region_get_ram_ptr(flash);
    uint32_t word = 0x600df00d;
    unsigned writes = seen.writes, reads = seen.reads;
    cpu_physical_memory_rw(trial_at + 0x10, &word, 4, true);
    if (seen.writes != writes + 1 || seen.value != word || bytes[0x10] != 0xff)
        refuse("a write to flash does not reach its controller");
    bytes[0x10] = 0x42;
    memory_region_flush_rom_device(flash, 0x10, 1);
    cpu_physical_memory_rw(trial_at + TRIAL_SIZE + 0x10, &word, 4, false);
    if (seen.reads != reads || word != 0xffffff42)
        refuse("flash is not read as it should be");
    memory_region_rom_device_set_romd(flash, false);
    cpu_physical_memory_rw(trial_at + 0x10, &word, 4, false);
    if (seen.reads != reads + 1 || word != 0x8badf00d)
        refuse("locked flash can be read");
    memory_region_del_subregion(get_system_memory(), flash_alias);
    memory_region_del_subregion(get_system_memory(), flash);
}

static MemTxResult read_wake(void *opaque, hwaddr address, uint64_t *value, unsigned size) {
    (void)opaque;
    (void)address;
    (void)size;
    *value = 0;
    return MEMTX_OK;
}

/* A core that is halted by its debugger sleeps no longer, as ARMv7-M has it (C1.5.1); QEMU's would
 * sleep on, whatever the debugger has it run. This request ends the sleep, and does nothing else.
 */
static MemTxResult write_wake(void *opaque, hwaddr address, uint64_t value, unsigned size) {
    (void)opaque;
    (void)address;
    (void)value;
    (void)size;
    cpu_interrupt(qemu_get_cpu(0), CPU_INTERRUPT_EXITTB);
    return MEMTX_OK;
}

static const MemoryRegionOps wake_ops = DEVICE_OPS(read_wake, write_wake, 1);

static void on_crash(int signal) {
    siglongjmp(crashed, signal);
}

static void add_all(qemu_plugin_id_t id, unsigned core) {
    static bool done;
    struct sigaction caught = {.sa_handler = on_crash}, segv, bus, ill, abrt;
    (void)id;
    if (done || core)
        return;
    done = true;
    sigaction(SIGSEGV, &caught, &segv);
    sigaction(SIGBUS, &caught, &bus);
    sigaction(SIGILL, &caught, &ill);
    sigaction(SIGABRT, &caught, &abrt);
    if (sigsetjmp(crashed, 1))
        refuse("it crashes with them");
    /* Stopped (-S), the board's time stands near 0: so this is its clock and no other. */
    if (qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) > 1000000000)
        refuse("its clocks are numbered in another way");
    try_registers();
    try_flash();
    add_registers(wake_at, 4, &wake_ops);
    add_devices();
    sigaction(SIGSEGV, &segv, NULL);
    sigaction(SIGBUS, &bus, NULL);
    sigaction(SIGILL, &ill, NULL);
    sigaction(SIGABRT, &abrt, NULL);
    if (ready_fd >= 0 && write(ready_fd, "R", 1) != 1)
        refuse("nobody waits for it");
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        char *equals = strchr(argv[i], '='), *end = NULL;
        unsigned value = equals ? (unsigned)strtoul(equals + 1, &end, 0) : 0;
        if (!equals || end == equals + 1 || *end)
            return -1;
        *equals = 0;
        if (!strcmp(argv[i], "ready"))
            ready_fd = (int)value;
        else if (!take_argument(argv[i], value)) {
            fprintf(stderr, "no option '%s' of the board's devices\n", argv[i]);
            return -1;
        }
    }
    qemu_plugin_register_vcpu_init_cb(id, add_all);
    return 0;
}
