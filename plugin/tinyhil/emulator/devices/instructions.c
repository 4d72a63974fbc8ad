/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU plugin: which blocks of instructions a function runs, and how often, call by call in it.
 *
 * The function is the model's: each kernel that it calls is an operator. Each run of it ends with a
 * whole file of counts, in place of the last one. Besides, the fetches are counted that a flash
 * accelerator of given size could not serve; see `counting.py`.
 *
 * QEMU's plugin interface is declared here by hand, as Debian packages none of its headers. What is
 * used of it is the same from version 1 (QEMU 7.2) on; API is the one that the QEMU at hand takes.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))
typedef uint64_t plugin_id;
typedef struct qemu_plugin_tb Tb;
typedef struct qemu_plugin_insn Insn;
typedef struct {
    const char *target_name;
    struct {
        int least, current;
    } version;
    bool whole_system;
} Qemu;

/* QEMU 7.2 takes reads alone for writes; flash is not written to. */
enum { NO_REGISTERS = 0, READS_AND_WRITES = 3 };
size_t qemu_plugin_tb_n_insns(const Tb *);
Insn *qemu_plugin_tb_get_insn(const Tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const Insn *);
size_t qemu_plugin_insn_size(const Insn *);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, Tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(Tb *, void (*)(unsigned, void *), int, void *);
unsigned qemu_plugin_mem_size_shift(uint32_t);
void qemu_plugin_register_vcpu_mem_cb(Insn *, void (*)(unsigned, uint32_t, uint64_t, void *), int,
                                      int, void *);
EXPORTED int qemu_plugin_version = API;

enum { BUCKETS = 4096, LINES = 64, LINE_BYTES = 32, PATH_BYTES = 1024 };

/* Of a block, in one operator. */
typedef struct Count {
    struct Count *before; /* of an earlier operator */
    unsigned operator_;
    uint64_t ran, left; /* how often; and then went elsewhere than to what follows it */
} Count;

typedef struct Block {
    struct Block *next;
    uint64_t first, end; /* addresses: of the first instruction, and after the last one */
    size_t instructions;
    Count *counts;
} Block;

/* Least recently used lines go first; a line is filled by sectors, each with one fetch. */
typedef struct {
    unsigned size;
    uint64_t line[LINES], used[LINES];
    uint32_t sectors[LINES];
} Cache;

typedef struct {
    uint64_t jumps, next, data; /* fetches of code after a jump, of code in a row, of data */
} Fetches;

static Block *blocks[BUCKETS], *previous, *last_inside;
static char path[PATH_BYTES];
static uint64_t from, bytes, flash_from, flash_to, fetch_bytes = 8, code_lines, data_lines;
static uint64_t came_from, now, last_sector;
static bool counting;
static unsigned operator_;
static Cache code, data;
static Fetches *fetches;
static size_t rooms;

static void *must(void *made) {
    if (!made) {
        fprintf(stderr, "no memory to count instructions\n");
        abort();
    }
    return made;
}

/* Whether a fetch is needed. */
static bool missed(Cache *cache, uint64_t address) {
    uint64_t line = address / LINE_BYTES + 1; /* 0: none */
    uint32_t sector = 1u << address % LINE_BYTES / fetch_bytes;
    unsigned oldest = 0;
    now++;
    for (unsigned i = 0; i < cache->size; i++) {
        if (cache->line[i] == line) {
            bool missing = !(cache->sectors[i] & sector);
            cache->sectors[i] |= sector;
            cache->used[i] = now;
            return missing;
        }
        if (cache->used[i] < cache->used[oldest])
            oldest = i;
    }
    cache->line[oldest] = line;
    cache->sectors[oldest] = sector;
    cache->used[oldest] = now;
    return true;
}

static void fetch_code(const Block *block) {
    if (block->first < flash_from || block->end > flash_to)
        return;
    for (uint64_t at = block->first / fetch_bytes; at <= (block->end - 1) / fetch_bytes; at++) {
        bool in_row = at == last_sector + 1;
        if (at != last_sector && missed(&code, at * fetch_bytes))
            *(in_row ? &fetches[operator_].next : &fetches[operator_].jumps) += 1;
        last_sector = at;
    }
}

static void loaded(unsigned core, uint32_t info, uint64_t address, void *unused) {
    uint64_t last = address + (1u << qemu_plugin_mem_size_shift(info)) - 1;
    (void)core, (void)unused;
    if (!counting || address < flash_from || last >= flash_to)
        return;
    for (uint64_t at = address / fetch_bytes; at <= last / fetch_bytes; at++)
        if (missed(&data, at * fetch_bytes))
            fetches[operator_].data++;
}

static Count *count_of(Block *block) {
    if (!block->counts || block->counts->operator_ != operator_) {
        Count *fresh = must(calloc(1, sizeof *fresh));
        fresh->before = block->counts;
        fresh->operator_ = operator_;
        block->counts = fresh;
    }
    return block->counts;
}

static void begin(void) {
    for (unsigned i = 0; i < BUCKETS; i++)
        for (Block *block = blocks[i]; block; block = block->next)
            while (block->counts) {
                Count *count = block->counts;
                block->counts = count->before;
                free(count);
            }
    if (rooms)
        memset(fetches, 0, rooms * sizeof *fetches);
    operator_ = 0;
    last_inside = NULL;
    counting = true;
}

static void write_all(void) {
    char draft[PATH_BYTES + 8];
    snprintf(draft, sizeof draft, "%s.part", path);
    FILE *out = fopen(draft, "w");
    if (!out)
        return;
    for (unsigned o = 0; o <= operator_; o++)
        fprintf(out, "fetches %u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", o, fetches[o].jumps,
                fetches[o].next, fetches[o].data);
    for (unsigned i = 0; i < BUCKETS; i++)
        for (Block *block = blocks[i]; block; block = block->next)
            for (Count *count = block->counts; count; count = count->before)
                fprintf(out, "block %u %" PRIu64 " %zu %" PRIu64 " %" PRIu64 "\n", count->operator_,
                        block->first, block->instructions, count->ran, count->left);
    if (fclose(out) == 0)
        rename(draft, path);
}

static void executed(unsigned core, void *given) {
    Block *block = given;
    bool inside = block->first >= from && block->first < from + bytes;
    (void)core;
    if (counting && previous && previous->counts && previous->end != block->first)
        previous->counts->left++;
    if (block->first == from && previous) {
        came_from = previous->end;
        begin();
        previous = NULL;
    } else if (counting && block->first == came_from) {
        counting = false;
        write_all();
    }
    if (counting) {
        /* Back from a kernel: what follows belongs to the next one. */
        if (inside && last_inside && last_inside != previous && block->first == last_inside->end)
            operator_++;
        if (operator_ >= rooms) {
            rooms = operator_ + 64;
            fetches = must(realloc(fetches, rooms * sizeof *fetches));
            memset(fetches + operator_, 0, 64 * sizeof *fetches);
        }
        count_of(block)->ran++;
        fetch_code(block);
        if (inside)
            last_inside = block;
    }
    previous = block;
}

static Block *block_of(const Tb *tb) {
    size_t n = qemu_plugin_tb_n_insns(tb);
    Insn *last = qemu_plugin_tb_get_insn(tb, n - 1);
    uint64_t first = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
    uint64_t end = qemu_plugin_insn_vaddr(last) + qemu_plugin_insn_size(last);
    Block **bucket = &blocks[first / 2 % BUCKETS];
    for (Block *block = *bucket; block; block = block->next)
        if (block->first == first && block->end == end && block->instructions == n)
            return block;
    Block *block = must(calloc(1, sizeof *block));
    *block = (Block){*bucket, first, end, n, NULL};
    return *bucket = block;
}

static void translated(plugin_id id, Tb *tb) {
    (void)id;
    if (qemu_plugin_tb_n_insns(tb) == 0)
        return;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, NO_REGISTERS, block_of(tb));
    for (size_t i = 0; data_lines && i < qemu_plugin_tb_n_insns(tb); i++)
        qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i), loaded, NO_REGISTERS,
                                         READS_AND_WRITES, NULL);
}

static bool take(const char *name, const char *value) {
    static const struct {
        const char *name;
        uint64_t *place;
    } numbers[] = {
        {"from", &from},
        {"bytes", &bytes},
        {"flash-from", &flash_from},
        {"flash-to", &flash_to},
        {"fetch", &fetch_bytes},
        {"code-lines", &code_lines},
        {"data-lines", &data_lines},
    };
    if (!strcmp(name, "out"))
        return (size_t)snprintf(path, sizeof path, "%s", value) < sizeof path;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!strcmp(name, numbers[i].name)) {
            char *end = NULL;
            *numbers[i].place = strtoull(value, &end, 0);
            return end != value && !*end;
        }
    return false;
}

EXPORTED int qemu_plugin_install(plugin_id id, const Qemu *qemu, int argc, char **argv) {
    if (strcmp(qemu->target_name, "arm") || !qemu->whole_system || API < qemu->version.least ||
        API > qemu->version.current) {
        fprintf(stderr, "the counter of instructions does not fit this QEMU\n");
        return -1;
    }
    for (int i = 0; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals)
            *equals = 0;
        if (!equals || !take(argv[i], equals + 1)) {
            fprintf(stderr, "the counter of instructions has no option '%s', or not so\n", argv[i]);
            return -1;
        }
    }
    code.size = (unsigned)code_lines;
    data.size = (unsigned)data_lines;
    if (!path[0] || !bytes || code.size < 1 || code.size > LINES || data.size > LINES ||
        fetch_bytes < 1 || LINE_BYTES % fetch_bytes) {
        fprintf(stderr, "the counter of instructions lacks an option\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
