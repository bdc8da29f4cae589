/* The executor of a generated library: runs a program's kernels on the arena, slices and blocks of
 * them in parallel. What callers use is in siamc_run.h. C11, also valid C++, with the atomic
 * builtins of GCC and Clang and POSIX threads. */
#ifndef SIAMC_EXECUTE_H
#define SIAMC_EXECUTE_H

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "HalideRuntime.h"
#include "siamc_abi.h"

/* ---- the instruction set ------------------------------------------------------------------ */

/* What siamc_choose and with it every entry point returns where there is nothing to run. */
enum siamc_error {
    SIAMC_NO_VARIANT = -2001,      /* the processor can run none of the library's variants */
    SIAMC_UNKNOWN_VARIANT = -2002, /* SIAMC_VARIANT names one that the library does not hold */
    SIAMC_UNUSABLE_VARIANT = -2003 /* ... or one that the processor cannot run */
};

static inline int siamc_has(const uint64_t* features, int feature) {
    return features[feature / 64] >> feature % 64 & 1;
}

/* Halide asks the processor. On x86 the operating system has to save the wide registers too, which
 * the compiler's own test knows; and of Zen 4's features Halide's does not know them all. */
static inline int siamc_can_run(const siamc_variants* variants, int32_t number) {
    const uint64_t* features = variants->list[number].features;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (siamc_has(features, halide_target_feature_avx) && !__builtin_cpu_supports("avx")) return 0;
    if (siamc_has(features, halide_target_feature_avx512) && !__builtin_cpu_supports("avx512f"))
        return 0;
    if (siamc_has(features, halide_target_feature_avx512_zen4) &&
        !__builtin_cpu_supports("avx512bf16"))
        return 0;
#endif
    return halide_can_use_target_features(variants->feature_words, features);
}

static inline int32_t siamc_find_variant(const siamc_variants* variants) {
    const char* forced = getenv("SIAMC_VARIANT");
    if (forced && !*forced) forced = NULL;
    for (int32_t v = 0; v < variants->count; ++v) {
        if (forced && strcmp(forced, variants->list[v].name) != 0) continue;
        if (siamc_can_run(variants, v)) return v + 1;
        if (forced) return SIAMC_UNUSABLE_VARIANT;
    }
    return forced ? SIAMC_UNKNOWN_VARIANT : SIAMC_NO_VARIANT;
}

/* The number, from 1, of the variant that runs: the first that the processor can, or the one that
 * the environment variable SIAMC_VARIANT names; or an error below 0. Found when first asked for and
 * kept, by each source file that includes the library's header for itself. */
static inline int32_t siamc_choose(const siamc_variants* variants) {
    int32_t chosen = __atomic_load_n(variants->chosen, __ATOMIC_RELAXED);
    if (chosen == 0) {
        chosen = siamc_find_variant(variants);
        __atomic_store_n(variants->chosen, chosen, __ATOMIC_RELAXED);
    }
    return chosen;
}

/* ---- running programs --------------------------------------------------------------------- */

#define SIAMC_MAX_PARTS 32 /* of a loss and an optimiser */
#define SIAMC_MAX_SEGMENTS 16

/* Tuples of a slice, when so many are at hand: at least eight slices, so that a small batch too is
 * shared by the threads, of whole register tiles. Results depend on slices, never on the number of
 * threads. */
static inline int32_t siamc_slice_tuples(const siamc_program* program, int32_t tuples) {
    const int32_t quantum = program->tuple_quantum, most = program->slice_tuples;
    if (most == 0) return 0; /* reads no tuples */
    const int32_t even = ((tuples + 7) / 8 + quantum - 1) / quantum * quantum;
    return even < most ? even : most;
}

/* A stage under way: its tasks depend on nothing but the parts before. Its tasks are numbered
 * through: those of the first call, then those of the next; or each takes one slice through all
 * calls. */
typedef struct siamc_part {
    const siamc_program* program;
    const siamc_call* calls;
    int32_t call_count, slice_tuples;  /* 0: not by slices */
    int32_t through_all;               /* a task goes through all calls */
    int32_t tasks, tasks_before;       /* of this part; of all parts before it */
    int32_t taken[SIAMC_MAX_SEGMENTS]; /* of each segment's tasks; shared by the threads */
} siamc_part;

typedef struct siamc_run {
    void* base[SIAMC_SPACES];
    int32_t rows[SIAMC_ROW_KINDS]; /* of the whole batch, padded */
    int32_t part_count, segments;
    int32_t variant;              /* of the kernels */
    int32_t done, helpers, error; /* shared by the threads */
    pthread_t caller;
    siamc_part parts[SIAMC_MAX_PARTS]; /* the last: what is not used is not cleared */
} siamc_run;

/* The rows of each kind that a kernel is called with. */
typedef struct siamc_range {
    int32_t first[SIAMC_ROW_KINDS], count[SIAMC_ROW_KINDS];
} siamc_range;

static inline int siamc_call_kernel(const siamc_run* run, const siamc_call* call, int32_t task,
                                    const siamc_range* range) {
    halide_buffer_t buffers[SIAMC_MAX_OPERANDS];
    halide_dimension_t dims[SIAMC_MAX_OPERANDS][SIAMC_MAX_DIMS];
    void* arguments[SIAMC_MAX_OPERANDS];
    for (int32_t i = 0; i < call->operand_count; ++i) {
        const siamc_operand* operand = &call->operands[i];
        halide_buffer_t* buffer = &buffers[i];
        memset((void*)buffer, 0, sizeof *buffer);
        for (int32_t d = 0; d < operand->dimensions; ++d) {
            dims[i][d].min = 0;
            dims[i][d].extent = operand->extent[d];
            dims[i][d].stride = operand->stride[d];
            dims[i][d].flags = 0;
        }
        if (operand->rows != SIAMC_NO_ROWS)
            dims[i][operand->dimensions - 1].extent = range->count[operand->rows];
        buffer->host = (uint8_t*)run->base[operand->space] + operand->offset +
                       task * operand->task_stride +
                       range->first[operand->rows] * operand->row_stride;
        buffer->type.code = (halide_type_code_t)operand->type_code;
        buffer->type.bits = operand->type_bits;
        buffer->type.lanes = 1;
        buffer->dimensions = operand->dimensions;
        buffer->dim = dims[i];
        arguments[i] = buffer;
    }
    return call->kernel[run->variant](arguments);
}

/* 0, or why there are no kernels to run (siamc_choose). */
static inline int siamc_add_program(siamc_run* run, const siamc_program* program) {
    const siamc_call* calls = program->calls;
    const int32_t slice_tuples = siamc_slice_tuples(program, run->rows[SIAMC_TUPLE_ROWS]);
    if (program->variants) {
        const int32_t chosen = siamc_choose(program->variants);
        if (chosen < 0) return chosen;
        run->variant = chosen - 1;
    }
    for (int32_t s = 0; s < program->stage_count; ++s) {
        siamc_part* part = &run->parts[run->part_count++];
        memset(part, 0, sizeof *part);
        part->program = program;
        part->calls = calls;
        part->call_count = program->stages[s].calls;
        if (program->stages[s].by_slices) {
            part->slice_tuples = slice_tuples;
            part->tasks = run->rows[SIAMC_SLICE_ROWS];
        } else if (program->stages[s].tasks > 0) {
            part->through_all = 1;
            part->tasks = program->stages[s].tasks;
        } else {
            for (int32_t c = 0; c < part->call_count; ++c) part->tasks += calls[c].tasks;
        }
        if (part > run->parts) part->tasks_before = part[-1].tasks_before + part[-1].tasks;
        calls += part->call_count;
    }
    return 0;
}

/* Stored images lie far apart in memory too large for any cache: asked for together, they come
 * while the first of them are read. */
static inline int siamc_run_slice(const siamc_run* run, const siamc_part* part, int32_t slice) {
    const siamc_program* program = part->program;
    const uint8_t* arena = (const uint8_t*)run->base[SIAMC_ARENA];
    const uint8_t* dataset = (const uint8_t*)run->base[SIAMC_DATASET];
    const int32_t* row = (const int32_t*)(const void*)(arena + program->rows_offset);
    const int32_t* first_image =
        (const int32_t*)(const void*)(arena + program->first_images_offset) + slice;
    const int32_t tuple = slice * part->slice_tuples;
    const int32_t left = run->rows[SIAMC_TUPLE_ROWS] - tuple;
    const siamc_range range = {
        {0, first_image[0], tuple, 0, slice},
        {0, first_image[1] - first_image[0], left < part->slice_tuples ? left : part->slice_tuples,
         run->rows[SIAMC_STORED_ROWS], 1}};
    for (int32_t r = first_image[0]; r < first_image[1]; ++r)
        for (int64_t byte = 0; byte < program->row_bytes; byte += 64)
            __builtin_prefetch(dataset + row[r] * program->row_bytes + byte, 0, 2);
    for (int32_t c = 0; c < part->call_count; ++c) {
        const int error = siamc_call_kernel(run, part->calls + c, slice, &range);
        if (error) return error;
    }
    return 0;
}

static inline void siamc_run_task(siamc_run* run, const siamc_part* part, int32_t task) {
    siamc_range all = {{0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}};
    int error = __atomic_load_n(&run->error, __ATOMIC_RELAXED);
    memcpy(all.count, run->rows, sizeof all.count);
    if (!error && part->slice_tuples > 0) {
        error = siamc_run_slice(run, part, task);
    } else if (!error && part->through_all) {
        for (int32_t c = 0; c < part->call_count && !error; ++c)
            error = siamc_call_kernel(run, part->calls + c, task, &all);
    } else if (!error) {
        const siamc_call* call = part->calls;
        while (task >= call->tasks) task -= (call++)->tasks;
        error = siamc_call_kernel(run, call, task, &all);
    }
    if (error) __atomic_store_n(&run->error, error, __ATOMIC_RELAXED);
    __atomic_fetch_add(&run->done, 1, __ATOMIC_RELEASE);
}

/* Leaves the core to its other hardware thread for a moment. */
static inline void siamc_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Until that many tasks are done. What is waited for runs on another thread already, and tasks are
 * short, so this spins: to sleep and be woken takes longer than most waits. */
static inline void siamc_wait(const siamc_run* run, int32_t tasks) {
    for (int32_t spins = 0; __atomic_load_n(&run->done, __ATOMIC_ACQUIRE) < tasks; ++spins) {
        siamc_relax();
        if (spins >= 1000) sched_yield();
    }
}

/* What each of the threads does. A part's tasks are cut into a segment per thread, so that the
 * caller (and with two threads the other one) meets the same weights, moments and slices in every
 * step and finds them in its own cache; whoever is through helps the others. Only tasks that are
 * being run are ever waited for, so any number of threads, even one, gets to the end. */
static inline int siamc_work(void* user_context, int worker, uint8_t* closure) {
    siamc_run* run = (siamc_run*)(void*)closure;
    const int32_t own = pthread_equal(pthread_self(), run->caller)
                            ? 0
                            : 1 + __atomic_fetch_add(&run->helpers, 1, __ATOMIC_RELAXED);
    (void)user_context, (void)worker;
    for (siamc_part* part = run->parts; part < run->parts + run->part_count; ++part) {
        for (int32_t s = 0; s < run->segments; ++s) {
            const int32_t segment = (own + s) % run->segments;
            const int32_t first = part->tasks * segment / run->segments;
            const int32_t count = part->tasks * (segment + 1) / run->segments - first;
            for (;;) {
                const int32_t task = __atomic_fetch_add(&part->taken[segment], 1, __ATOMIC_RELAXED);
                if (task >= count) break;
                siamc_run_task(run, part, first + task);
            }
        }
        siamc_wait(run, part->tasks_before + part->tasks);
    }
    return 0;
}

/* All parts in one parallel loop: the threads are called once, not once a part. */
static inline int siamc_execute(siamc_run* run) {
    int32_t most = 0; /* tasks of a part: more threads would only wait */
    for (int32_t p = 0; p < run->part_count; ++p)
        if (run->parts[p].tasks > most) most = run->parts[p].tasks;
    if (most == 0) return 0;
    int threads = most > 1 ? halide_get_num_threads() : 1, error = 0;
    if (threads < 1 || threads > most) threads = most; /* 0: before the first parallel loop */
    run->caller = pthread_self();
    run->segments = threads < SIAMC_MAX_SEGMENTS ? threads : SIAMC_MAX_SEGMENTS;
    if (threads == 1)
        siamc_work(NULL, 0, (uint8_t*)(void*)run);
    else
        error = halide_do_par_for(NULL, siamc_work, 0, threads, (uint8_t*)(void*)run);
    return error ? error : run->error;
}

#endif
