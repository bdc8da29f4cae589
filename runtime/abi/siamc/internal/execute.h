/* The executor: runs a program's kernels on the arena, slices and blocks of them in parallel. */
#ifndef SIAMC_INTERNAL_EXECUTE_H
#define SIAMC_INTERNAL_EXECUTE_H

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "active.h"
#include "tables.h"

/* ---- the instruction set ------------------------------------------------------------------ */

/* Halide asks the processor. On x86 the operating system has to save the wide registers too, which
 * the compiler's own test knows; and of Zen 4's features Halide's does not know them all. */
static inline int siamc_can_run(const siamc_library* library, int32_t number) {
    const siamc_variant* variant = library->variants + number;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if ((variant->needs & SIAMC_NEEDS_AVX) && !__builtin_cpu_supports("avx")) return 0;
    if ((variant->needs & SIAMC_NEEDS_AVX512) && !__builtin_cpu_supports("avx512f")) return 0;
    if ((variant->needs & SIAMC_NEEDS_ZEN4) && !__builtin_cpu_supports("avx512bf16")) return 0;
#endif
    return library->functions->can_use_features(variant->feature_words, variant->features);
}

static inline int32_t siamc_find_variant(const siamc_library* library) {
    const char* forced = getenv("SIAMC_VARIANT");
    int32_t v;
    if (forced && !*forced) forced = NULL;
    for (v = 0; v < library->variant_count; ++v) {
        if (forced && strcmp(forced, library->variants[v].name) != 0) continue;
        if (siamc_can_run(library, v)) return v + 1;
        if (forced) return SIAMC_UNUSABLE_VARIANT;
    }
    return forced ? SIAMC_UNKNOWN_VARIANT : SIAMC_NO_VARIANT;
}

/* The number, from 1, of the variant that runs: the first that the processor can, or the one that
 * the environment variable SIAMC_VARIANT names; or an error below 0. Found when first asked for and
 * kept. */
static inline int32_t siamc_choose(const siamc_library* library) {
    int32_t chosen = __atomic_load_n(&library->state->variant, __ATOMIC_RELAXED);
    if (chosen == 0) {
        chosen = siamc_find_variant(library);
        __atomic_store_n(&library->state->variant, chosen, __ATOMIC_RELAXED);
    }
    return chosen;
}

/* ---- processes that fork ------------------------------------------------------------------ */

/* A child has the memory of its parent's threads, but not the threads, and would wait for them when
 * it ends or computes. So they end before a fork; parent and child start theirs anew when they need
 * some. */
#if !defined(_WIN32)
static const siamc_library* siamc_guarded; /* a list of what this source file has used first */

static inline void siamc_stop_all_threads(void) {
    const siamc_library* library = __atomic_load_n(&siamc_guarded, __ATOMIC_ACQUIRE);
    for (; library; library = library->state->next_guarded) library->functions->stop_threads();
}

static inline void siamc_guard_fork(const siamc_library* library) {
    const siamc_library* head;
    if (__atomic_load_n(&library->state->fork_guarded, __ATOMIC_RELAXED)) return;
    if (__atomic_exchange_n(&library->state->fork_guarded, 1, __ATOMIC_RELAXED)) return;
    head = __atomic_load_n(&siamc_guarded, __ATOMIC_RELAXED);
    do {
        library->state->next_guarded = head;
    } while (!__atomic_compare_exchange_n(&siamc_guarded, &head, library, 0, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
    if (!head) pthread_atfork(siamc_stop_all_threads, NULL, NULL);
}
#else
static inline void siamc_guard_fork(const siamc_library* library) {
    (void)library;
}
#endif

/* ---- running programs --------------------------------------------------------------------- */

#define SIAMC_MAX_SHARES 16

/* Tuples of a slice, when so many are at hand: at least eight slices, so that a small batch too is
 * shared by the threads, of whole register tiles; fewer where each would have too few tuples to
 * read large weights for. Results depend on slices, never on the number of threads. */
static inline int32_t siamc_slice_tuples(const siamc_program* program, int32_t tuples) {
    const int32_t quantum = program->tuple_quantum, most = program->slice_tuples;
    const int32_t least = program->least_slice_tuples;
    int32_t even = ((tuples + 7) / 8 + quantum - 1) / quantum * quantum;
    if (most == 0) return 0; /* reads no tuples */
    if (even < least) even = least;
    return even < most ? even : most;
}

/* A stage under way: its tasks depend on nothing but the stages before. They are numbered through:
 * those of the first call, then those of the next; or each takes one slice through all calls. */
typedef struct siamc_stage_run {
    const siamc_program* program;
    const siamc_call* calls;
    int32_t call_count, slice_tuples; /* 0: not by slices */
    int32_t through_all;              /* a task goes through all calls */
    int32_t fetches;                 /* the first by slices: its images are not in the caches yet */
    int32_t tasks, tasks_before;     /* of this stage; of all stages before it */
    int32_t forward_calls;           /* as of siamc_stage */
    int32_t listed;                  /* slices that are through, where they list active tuples */
    int32_t taken[SIAMC_MAX_SHARES]; /* of each share of the tasks; by any thread */
} siamc_stage_run;

typedef struct siamc_run {
    void* base[SIAMC_SPACES];
    int32_t counts[SIAMC_AXES]; /* of the whole batch, padded */
    int32_t stage_count, shares;
    int32_t variant; /* of the kernels */
    int32_t spin;
    int32_t done, helpers, error, sleepers; /* of all threads */
    const siamc_library* library;
    pthread_t caller;
    pthread_mutex_t mutex;                        /* of those that sleep */
    pthread_cond_t progress;                      /* `done` grew */
    siamc_stage_run stages[SIAMC_MAX_STAGES + 2]; /* and an optimiser's; what is not used is not
                                                   * cleared */
} siamc_run;

static inline int siamc_call_kernel(const siamc_run* run, const siamc_call* call, int32_t task,
                                    const siamc_range* range) {
    siamc_tensor tensors[SIAMC_MAX_OPERANDS];
    siamc_extent dims[SIAMC_MAX_OPERANDS][SIAMC_MAX_DIMS];
    void* arguments[SIAMC_MAX_OPERANDS];
    int32_t i, d;
    for (i = 0; i < call->operand_count; ++i) {
        const siamc_operand* operand = &call->operands[i];
        siamc_tensor* tensor = &tensors[i];
        memset(tensor, 0, sizeof *tensor);
        for (d = 0; d < operand->dimensions; ++d) {
            dims[i][d].min = 0;
            dims[i][d].extent = operand->extent[d];
            dims[i][d].stride = operand->stride[d];
            dims[i][d].flags = 0;
        }
        if (operand->axis != SIAMC_FIXED)
            dims[i][operand->dimensions - 1].extent = range->count[operand->axis];
        tensor->host = (uint8_t*)run->base[operand->space] + operand->offset +
                       task * operand->task_stride +
                       range->first[operand->axis] * operand->row_stride;
        tensor->type_code = operand->type_code;
        tensor->type_bits = operand->type_bits;
        tensor->type_lanes = 1;
        tensor->dimensions = operand->dimensions;
        tensor->dim = dims[i];
        arguments[i] = tensor;
    }
    return call->kernel[run->variant](arguments);
}

/* The program's stages from `first` up to `end`. 0, or why there are no kernels to run. */
static inline int siamc_add_stages(siamc_run* run, const siamc_program* program, int32_t first,
                                   int32_t end) {
    const siamc_call* calls = program->calls;
    const int32_t slice_tuples = siamc_slice_tuples(program, run->counts[SIAMC_TUPLES]);
    const int32_t chosen = siamc_choose(program->library);
    int32_t s, c, sliced = 0;
    if (chosen < 0) return chosen;
    run->library = program->library;
    run->variant = chosen - 1;
    for (s = 0; s < end; ++s) {
        siamc_stage_run* stage = &run->stages[run->stage_count];
        if (s < first) {
            calls += program->stages[s].calls;
            continue;
        }
        memset(stage, 0, sizeof *stage);
        stage->program = program;
        stage->calls = calls;
        stage->call_count = program->stages[s].calls;
        stage->forward_calls = program->stages[s].forward_calls;
        if (program->stages[s].by_slices) {
            stage->slice_tuples = slice_tuples;
            stage->fetches = !sliced;
            sliced = 1;
            stage->tasks = run->counts[SIAMC_SLICES];
        } else if (program->stages[s].tasks > 0) {
            stage->through_all = 1;
            stage->tasks = program->stages[s].tasks;
        } else {
            for (c = 0; c < stage->call_count; ++c) stage->tasks += calls[c].tasks;
        }
        if (run->stage_count > 0) stage->tasks_before = stage[-1].tasks_before + stage[-1].tasks;
        calls += stage->call_count;
        ++run->stage_count;
    }
    return 0;
}

static inline int siamc_add_program(siamc_run* run, const siamc_program* program) {
    return siamc_add_stages(run, program, 0, program->stage_count);
}

/* Stored images lie far apart in memory too large for any cache: asked for together, they come
 * while the first of them are read. */
static inline int siamc_run_slice(const siamc_run* run, const siamc_stage_run* stage,
                                  int32_t slice) {
    const siamc_program* program = stage->program;
    const uint8_t* arena = (const uint8_t*)run->base[SIAMC_ARENA];
    const uint8_t* dataset = (const uint8_t*)run->base[SIAMC_DATASET];
    const int32_t* index = (const int32_t*)(const void*)(arena + program->indices_offset);
    const int32_t* first_image =
        (const int32_t*)(const void*)(arena + program->first_images_offset) + slice;
    const int32_t tuple = slice * stage->slice_tuples;
    const int32_t left = run->counts[SIAMC_TUPLES] - tuple;
    siamc_range range;
    int32_t i, c;
    int64_t byte;
    memset(&range, 0, sizeof range);
    range.first[SIAMC_IMAGES] = first_image[0];
    range.count[SIAMC_IMAGES] = first_image[1] - first_image[0];
    range.first[SIAMC_TUPLES] = tuple;
    range.count[SIAMC_TUPLES] = left < stage->slice_tuples ? left : stage->slice_tuples;
    range.count[SIAMC_STORED] = run->counts[SIAMC_STORED];
    range.count[SIAMC_BATCH_IMAGES] = run->counts[SIAMC_BATCH_IMAGES];
    range.count[SIAMC_ALL_SLICES] = run->counts[SIAMC_ALL_SLICES];
    range.first[SIAMC_SLICES] = slice;
    range.count[SIAMC_SLICES] = 1;
    for (i = first_image[0]; stage->fetches && i < first_image[1]; ++i)
        for (byte = 0; byte < program->stored_bytes; byte += 64)
            __builtin_prefetch(dataset + index[i] * program->stored_bytes + byte, 0, 2);
    for (c = 0; c < stage->call_count; ++c) {
        int error;
        if (c > 0 && c == stage->forward_calls)
            siamc_list_active(program, run->base[SIAMC_ARENA], slice, &range);
        error = siamc_call_kernel(run, stage->calls + c, slice, &range);
        if (error) return error;
    }
    return 0;
}

static inline void siamc_wake_sleepers(siamc_run* run) {
    pthread_mutex_lock(&run->mutex);
    pthread_cond_broadcast(&run->progress);
    pthread_mutex_unlock(&run->mutex);
}

static inline void siamc_run_task(siamc_run* run, siamc_stage_run* stage, int32_t task) {
    siamc_range all;
    int error = __atomic_load_n(&run->error, __ATOMIC_RELAXED);
    int32_t c;
    memset(&all, 0, sizeof all);
    memcpy(all.count, run->counts, sizeof all.count);
    if (!error && stage->slice_tuples > 0) {
        error = siamc_run_slice(run, stage, task);
        if (!error && stage->forward_calls > 0 &&
            __atomic_add_fetch(&stage->listed, 1, __ATOMIC_ACQ_REL) == stage->tasks)
            siamc_join_lists(stage->program, run->base[SIAMC_ARENA], run->counts);
    } else if (!error && stage->through_all) {
        for (c = 0; c < stage->call_count && !error; ++c)
            error = siamc_call_kernel(run, stage->calls + c, task, &all);
    } else if (!error) {
        const siamc_call* call = stage->calls;
        while (task >= call->tasks) task -= (call++)->tasks;
        error = siamc_call_kernel(run, call, task, &all);
    }
    if (error) __atomic_store_n(&run->error, error, __ATOMIC_RELAXED);
    /* In one order with siamc_sleep: either the sleeper sees the task done, or this the sleeper. */
    __atomic_fetch_add(&run->done, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&run->sleepers, __ATOMIC_SEQ_CST) > 0) siamc_wake_sleepers(run);
}

/* Leaves the core to its other hardware thread for a moment. */
static inline void siamc_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static inline void siamc_sleep(siamc_run* run, int32_t tasks) {
    pthread_mutex_lock(&run->mutex);
    __atomic_fetch_add(&run->sleepers, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&run->done, __ATOMIC_SEQ_CST) < tasks)
        pthread_cond_wait(&run->progress, &run->mutex);
    __atomic_fetch_sub(&run->sleepers, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&run->mutex);
}

/* Until that many tasks are done. What is waited for runs on another thread already, and tasks are
 * short, so this looks often before it sleeps: to be woken takes longer than most waits. */
static inline void siamc_wait(siamc_run* run, int32_t tasks) {
    int32_t looks;
    for (looks = 0; __atomic_load_n(&run->done, __ATOMIC_ACQUIRE) < tasks; ++looks) {
        if (looks >= run->spin) {
            siamc_sleep(run, tasks);
            return;
        }
        siamc_relax();
        if (looks >= 1000) sched_yield();
    }
}

/* What each of the threads does. A stage's tasks are cut into a share per thread, so that the
 * caller (and with two threads the other one) meets the same weights, moments and slices in every
 * step and finds them in its own cache; whoever is through helps the others. Only tasks that are
 * being run are ever waited for, so any number of threads, even one, gets to the end. */
static inline int siamc_run_thread(void* user, int worker, uint8_t* closure) {
    siamc_run* run = (siamc_run*)(void*)closure;
    const int32_t own = pthread_equal(pthread_self(), run->caller)
                            ? 0
                            : 1 + __atomic_fetch_add(&run->helpers, 1, __ATOMIC_RELAXED);
    siamc_stage_run* stage;
    int32_t s;
    (void)user, (void)worker;
    for (stage = run->stages; stage < run->stages + run->stage_count; ++stage) {
        for (s = 0; s < run->shares; ++s) {
            const int32_t share = (own + s) % run->shares;
            const int32_t first = stage->tasks * share / run->shares;
            const int32_t count = stage->tasks * (share + 1) / run->shares - first;
            for (;;) {
                const int32_t task = __atomic_fetch_add(&stage->taken[share], 1, __ATOMIC_RELAXED);
                if (task >= count) break;
                siamc_run_task(run, stage, first + task);
            }
        }
        siamc_wait(run, stage->tasks_before + stage->tasks);
    }
    return 0;
}

static inline void siamc_run_thread_of_loop(void* run, int32_t worker) {
    siamc_run_thread(NULL, worker, (uint8_t*)run);
}

static inline int siamc_run_parallel(siamc_run* run, int threads) {
    const siamc_library* library = run->library;
    int error = 0;
    pthread_mutex_init(&run->mutex, NULL);
    pthread_cond_init(&run->progress, NULL);
    if (library->state->loop) {
        library->state->loop(library->state->loop_user, siamc_run_thread_of_loop, run, threads);
    } else {
        siamc_guard_fork(library);
        error = library->functions->parallel_for(NULL, siamc_run_thread, 0, threads,
                                                 (uint8_t*)(void*)run);
    }
    pthread_cond_destroy(&run->progress);
    pthread_mutex_destroy(&run->mutex);
    return error;
}

/* All stages in one parallel loop: the threads are called once, not once a stage. */
static inline int siamc_execute(siamc_run* run) {
    int32_t most = 0, s; /* tasks of a stage: more threads would only wait */
    int threads = 1, error = 0;
    for (s = 0; s < run->stage_count; ++s)
        if (run->stages[s].tasks > most) most = run->stages[s].tasks;
    if (most == 0) return 0;
    if (most > 1) threads = run->library->functions->get_threads();
    if (threads < 1 || threads > most) threads = most; /* 0: before the first parallel loop */
    run->spin = run->library->state->spin ? run->library->state->spin - 1 : SIAMC_SPIN;
    run->caller = pthread_self();
    run->shares = threads < SIAMC_MAX_SHARES ? threads : SIAMC_MAX_SHARES;
    if (threads == 1)
        siamc_run_thread(NULL, 0, (uint8_t*)(void*)run);
    else
        error = siamc_run_parallel(run, threads);
    return error ? error : run->error;
}

#endif
