/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What QEMU's `b-l475e-iot01a` lacks of an STM32L475: the FLASH controller and DBGMCU.
 *
 * FLASH: RM0351, chapter 3. Times: data sheet DS10969, table "Flash memory characteristics",
 * typical values; they pass in the guest's time. Not modelled: fast programming, ECC, PCROP, the
 * bus error after a wrong key, reads that wait while the flash is busy.
 */
#include "qemu.h"

#include <string.h>

enum { FLASH_AT = 0x08000000, FLASH_SIZE = 0x100000, PAGE = 2048, BANK_PAGES = 256, BANKS = 2 };
enum { ACR = 0x00, KEYR = 0x08, OPTKEYR = 0x0C, SR = 0x10, CR = 0x14, OPTR = 0x20 };
enum { WRP1AR = 0x2C, WRP1BR = 0x30, WRP2AR = 0x4C, WRP2BR = 0x50 };

#define CR_PG         (1u << 0)
#define CR_PER        (1u << 1)
#define CR_MER1       (1u << 2)
#define CR_BKER       (1u << 11)
#define CR_MER2       (1u << 15)
#define CR_STRT       (1u << 16)
#define CR_OPTSTRT    (1u << 17)
#define CR_EOPIE      (1u << 24)
#define CR_OBL_LAUNCH (1u << 27)
#define CR_OPTLOCK    (1u << 30)
#define CR_LOCK       (1u << 31)
#define CR_WRITABLE   (0x0700fffFu)
#define SR_EOP        (1u << 0)
#define SR_PROGERR    (1u << 3)
#define SR_WRPERR     (1u << 4)
#define SR_PGAERR     (1u << 5)
#define SR_SIZERR     (1u << 6)
#define SR_PGSERR     (1u << 7)
#define SR_ERRORS     0xc3fau /* all that must be clear before the next operation */
#define SR_BSY        (1u << 16)

#define PROGRAM_NS    81690
#define ERASE_NS      22020000
#define MASS_ERASE_NS 22130000
#define RDP_NONE      0xAA
#define NEVER         0xffffffffu

/* A lock that two keys in a row open; after a wrong one it stays shut until the next reset. */
typedef struct {
    uint32_t keys[2];
    unsigned given;
    bool shut;
} Lock;

static MemoryRegion *flash;
static uint8_t *bytes;
static Lock main_lock = {.keys = {0x45670123, 0xCDEF89AB}};
static Lock option_lock = {.keys = {0x08192A3B, 0x4C5D6E7F}};
static uint32_t latency, control = CR_LOCK | CR_OPTLOCK, status;
static int64_t busy_until;
/* Option registers: OPTR, then the write-protected ranges; what is loaded, and what is written. */
enum { OPTIONS = 5 };
static const hwaddr option_at[OPTIONS] = {OPTR, WRP1AR, WRP1BR, WRP2AR, WRP2BR};
static uint32_t loaded[OPTIONS] = {0xffeff8aa, 0xff00ffff, 0xff00ffff, 0xff00ffff, 0xff00ffff};
static uint32_t written[OPTIONS];
/* The first half of the double word that is being programmed. */
static hwaddr half_at = NEVER;
static uint32_t half;
static unsigned worn_page = NEVER;
static unsigned hurry = 1;

/* Time passes for the flash in the guest's clock, so that what a program sees of it is the same in
 * each run; and while a debugger has stopped that clock, in the host's. */
static bool busy(void) {
    static int64_t stopped_since;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    if (runstate_is_running()) {
        stopped_since = 0;
        return now < busy_until;
    }
    int64_t host = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    if (!stopped_since)
        stopped_since = host;
    if (now + host - stopped_since >= busy_until)
        busy_until = now;
    return now < busy_until;
}

/* An operation that begins while another one runs waits for it, as the bus makes it do. */
static void take(int64_t ns) {
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    busy_until = (busy_until > now ? busy_until : now) + ns / hurry;
    if (control & CR_EOPIE)
        status |= SR_EOP;
}

static void offer_key(Lock *lock, uint32_t key, uint32_t opens) {
    if (lock->shut || key != lock->keys[lock->given]) {
        lock->shut = true;
        return;
    }
    if (++lock->given == 2) {
        lock->given = 0;
        control &= ~opens;
    }
}

static bool page_protected(unsigned page) {
    for (unsigned i = 1; i < OPTIONS; i++) {
        unsigned first = (loaded[i] & 0xff) + (i > 2 ? BANK_PAGES : 0);
        unsigned last = (loaded[i] >> 16 & 0xff) + (i > 2 ? BANK_PAGES : 0);
        if (first <= page && page <= last)
            return true;
    }
    return false;
}

static bool locked_for_reading(void) {
    return (loaded[0] & 0xff) != RDP_NONE;
}

/* What the core has translated of these bytes is stale. */
static void changed(hwaddr start, hwaddr size) {
    if (!locked_for_reading())
        memory_region_flush_rom_device(flash, start, size);
}

/* A worn page keeps a bit, in its middle, that no erasing sets again. */
static void erase_page(unsigned page) {
    uint8_t *start = bytes + page * PAGE;
    memset(start, 0xff, PAGE);
    if (page == worn_page)
        start[PAGE / 2] = 0xfe;
    changed(page * PAGE, PAGE);
}

static void erase_bank(unsigned bank) {
    for (unsigned page = 0; page < BANK_PAGES; page++)
        erase_page(bank * BANK_PAGES + page);
}

static void mass_erase(uint32_t banks) {
    for (unsigned page = 0; page < BANKS * BANK_PAGES; page++) {
        bool wanted = banks & (page < BANK_PAGES ? CR_MER1 : CR_MER2);
        if (wanted && page_protected(page)) {
            status |= SR_WRPERR;
            return;
        }
    }
    for (unsigned bank = 0; bank < BANKS; bank++)
        if (banks & (bank ? CR_MER2 : CR_MER1)) {
            erase_bank(bank);
            take(MASS_ERASE_NS);
        }
}

static void start_erasing(uint32_t value) {
    unsigned page = (value >> 3 & 0xff) + (value & CR_BKER ? BANK_PAGES : 0);
    if (status & SR_ERRORS || value & CR_PG) {
        status |= SR_PGSERR;
    } else if (value & (CR_MER1 | CR_MER2)) {
        mass_erase(value & (CR_MER1 | CR_MER2));
    } else if (value & CR_PER) {
        if (page_protected(page)) {
            status |= SR_WRPERR;
            return;
        }
        erase_page(page);
        take(ERASE_NS);
    }
}

/* Read protection hides all of the flash from the debug port (and, other than in silicon, from
 * the core too); leaving it erases everything. */
static void load_options(void) {
    bool was = locked_for_reading();
    memcpy(loaded, written, sizeof loaded);
    memory_region_rom_device_set_romd(flash, !locked_for_reading());
    if (was && !locked_for_reading()) {
        erase_bank(0);
        erase_bank(1);
        take(MASS_ERASE_NS);
    }
}

static void write_control(uint32_t value) {
    if (control & CR_LOCK || busy())
        return;
    control = (control & (CR_LOCK | CR_OPTLOCK)) | (value & CR_WRITABLE);
    control |= value & (CR_LOCK | CR_OPTLOCK);
    half_at = NEVER;
    if (value & CR_STRT)
        start_erasing(value);
    if (value & CR_OPTSTRT && !(control & CR_OPTLOCK))
        take(ERASE_NS);
    if (value & CR_OBL_LAUNCH && !(control & CR_OPTLOCK))
        load_options();
}

static MemTxResult read_controller(void *opaque, hwaddr address, uint64_t *value, unsigned size) {
    (void)opaque;
    (void)size;
    *value = 0;
    if (address == ACR)
        *value = latency;
    else if (address == SR)
        *value = status | (busy() ? SR_BSY : 0);
    else if (address == CR)
        *value = control | (busy() ? CR_STRT : 0);
    for (unsigned i = 0; i < OPTIONS; i++)
        if (address == option_at[i])
            *value = written[i];
    return MEMTX_OK;
}

static MemTxResult write_controller(void *opaque, hwaddr address, uint64_t value, unsigned size) {
    uint32_t word = (uint32_t)value;
    (void)opaque;
    (void)size;
    if (address == ACR)
        latency = word & 0x7f07;
    else if (address == KEYR && control & CR_LOCK)
        offer_key(&main_lock, word, CR_LOCK);
    else if (address == OPTKEYR && control & CR_OPTLOCK && !(control & CR_LOCK))
        offer_key(&option_lock, word, CR_OPTLOCK);
    else if (address == SR)
        status &= ~word;
    else if (address == CR)
        write_control(word);
    for (unsigned i = 0; i < OPTIONS; i++)
        if (address == option_at[i] && !(control & CR_OPTLOCK))
            written[i] = word;
    return MEMTX_OK;
}

static MemTxResult read_flash(void *opaque, hwaddr address, uint64_t *value, unsigned size) {
    (void)opaque;
    *value = 0;
    if (locked_for_reading())
        return MEMTX_ERROR;
    memcpy(value, bytes + address, size);
    return MEMTX_OK;
}

/* Both halves are there: an erased double word takes them, and any takes nothing but zeros. */
static void program(hwaddr address, uint32_t low, uint32_t high) {
    static const uint8_t erased[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    unsigned page = (unsigned)(address / PAGE);
    uint8_t *place = bytes + address;
    if (page_protected(page)) {
        status |= SR_WRPERR;
    } else if (memcmp(place, erased, sizeof erased) && (low || high)) {
        status |= SR_PROGERR;
    } else {
        memcpy(place, &low, 4);
        memcpy(place + 4, &high, 4);
        changed(address, 8);
        take(PROGRAM_NS);
    }
}

static MemTxResult write_flash(void *opaque, hwaddr address, uint64_t value, unsigned size) {
    (void)opaque;
    if (control & CR_LOCK || !(control & CR_PG) || status & SR_ERRORS) {
        status |= SR_PGSERR;
    } else if (size != 4) {
        status |= SR_SIZERR;
    } else if (half_at == NEVER && !(address & 4)) {
        half_at = address;
        half = (uint32_t)value;
        return MEMTX_OK;
    } else if (address == half_at + 4) {
        program(half_at, half, (uint32_t)value);
    } else {
        status |= SR_PGAERR;
    }
    half_at = NEVER;
    return MEMTX_OK;
}

static void reset(void *opaque) {
    (void)opaque;
    main_lock.shut = option_lock.shut = false;
    main_lock.given = option_lock.given = 0;
    control = CR_LOCK | CR_OPTLOCK;
    status = 0;
    latency = 0;
    busy_until = 0;
    half_at = NEVER;
    memcpy(written, loaded, sizeof written);
}

/* DBGMCU_IDCODE, RM0351 section 48.6.1: device 0x415, revision 4. */
static MemTxResult read_identity(void *opaque, hwaddr address, uint64_t *value, unsigned size) {
    (void)opaque;
    (void)size;
    *value = address ? 0 : 0x10076415;
    return MEMTX_OK;
}

static MemTxResult ignore(void *opaque, hwaddr address, uint64_t value, unsigned size) {
    (void)opaque;
    (void)address;
    (void)value;
    (void)size;
    return MEMTX_OK;
}

static const MemoryRegionOps controller_ops = DEVICE_OPS(read_controller, write_controller, 4);
static const MemoryRegionOps flash_ops = DEVICE_OPS(read_flash, write_flash, 1);
static const MemoryRegionOps identity_ops = DEVICE_OPS(read_identity, ignore, 1);

bool take_argument(const char *name, unsigned value) {
    if (!strcmp(name, "worn")) /* number of a page that no longer erases */
        worn_page = value;
    else if (!strcmp(name, "rdp")) /* level of read protection at the start, 1 if not 0 */
        loaded[0] = (loaded[0] & ~0xffu) | (value ? 0xBB : RDP_NONE);
    else if (!strcmp(name, "wrp")) /* the first bank's pages up to this one are protected */
        loaded[1] = value << 16;
    else if (!strcmp(name, "hurry") && value) /* flash takes so many times less time */
        hurry = value;
    else
        return false;
    return true;
}

void add_devices(void) {
    flash = add_flash(FLASH_AT, 0, FLASH_SIZE, &flash_ops);
    bytes = memory_region_get_ram_ptr(flash);
    if (worn_page < BANKS * BANK_PAGES)
        erase_page(worn_page);
    memory_region_rom_device_set_romd(flash, !locked_for_reading());
    add_registers(0x40022000, 0x400, &controller_ops);
    add_private_registers(0xE0042000, 0x400, &identity_ops);
    qemu_register_reset(reset, NULL);
    reset(NULL);
}
