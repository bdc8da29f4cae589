/* Runs the programs of a generated library (siamc_abi.h). C11, also valid C++, with the atomic
 * builtins of GCC and Clang and POSIX threads.
 *
 * The functions allocate nothing, keep no state and may be called from several threads with
 * different arenas. They return 0, or the error code of the kernel that failed (see
 * halide_error_code_t). */
#ifndef SIAMC_RUN_H
#define SIAMC_RUN_H

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>

#include "HalideRuntime.h"
#include "siamc_abi.h"

/* ---- running programs -------------------------------------------------------------------- */

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
    return call->kernel(arguments);
}

static inline void siamc_add_program(siamc_run* run, const siamc_program* program) {
    const siamc_call* calls = program->calls;
    const int32_t slice_tuples = siamc_slice_tuples(program, run->rows[SIAMC_TUPLE_ROWS]);
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

/* ---- a batch on its way into the arena ---------------------------------------------------- */

#define SIAMC_TABLE_BITS 7 /* twice as many places as a slice has images, and more */
#define SIAMC_TABLE (1 << SIAMC_TABLE_BITS)

typedef struct siamc_images {
    int32_t *row, *shift; /* in the arena; shift NULL: the program knows none */
    int32_t count;
    int32_t table[SIAMC_TABLE]; /* the slice's images by their hash, -1: none */
} siamc_images;

static inline void siamc_add_image(siamc_images* images, int32_t row, const int32_t shift[2]) {
    images->row[images->count] = row;
    if (images->shift) memcpy(images->shift + 2 * images->count, shift, 2 * sizeof *shift);
    ++images->count;
}

/* The slice's image of that row under that shift, which is added if it is new. */
static inline int32_t siamc_find_image(siamc_images* images, int32_t row, const int32_t shift[2]) {
    const uint32_t key = (uint32_t)row + 31u * (uint32_t)shift[0] + 1021u * (uint32_t)shift[1];
    uint32_t at = key * 2654435769u >> (32 - SIAMC_TABLE_BITS); /* Knuth's multiplicative hash */
    for (; images->table[at] >= 0; at = (at + 1) % SIAMC_TABLE) {
        const int32_t image = images->table[at];
        if (images->row[image] == row &&
            (!images->shift || !memcmp(images->shift + 2 * image, shift, 2 * sizeof *shift)))
            return image;
    }
    images->table[at] = images->count;
    siamc_add_image(images, row, shift);
    return images->table[at];
}

/* Lists the images that each slice computes and, where tuples compare them, the places at which
 * they find theirs: an image that a slice's tuples show several times is computed once. Tuples that
 * pad the batch show its first image. Slices end in whole register tiles, perhaps with an image
 * that no tuple shows, whose gradient is therefore 0. */
static inline void siamc_list_images(siamc_run* run, const siamc_program* p,
                                     const siamc_batch* batch) {
    static const int32_t unmoved[2] = {0, 0};
    uint8_t* arena = (uint8_t*)run->base[SIAMC_ARENA];
    int32_t* first = (int32_t*)(void*)(arena + p->first_images_offset);
    int32_t* place = p->places_offset < 0 ? NULL : (int32_t*)(void*)(arena + p->places_offset);
    const int32_t tuples = run->rows[SIAMC_TUPLE_ROWS], slices = run->rows[SIAMC_SLICE_ROWS];
    const int32_t real_rows = p->branches * batch->tuples;
    const int32_t slice_rows = p->branches * siamc_slice_tuples(p, tuples);
    siamc_images images;
    images.row = (int32_t*)(void*)(arena + p->rows_offset);
    images.shift = p->shifts_offset < 0 ? NULL : (int32_t*)(void*)(arena + p->shifts_offset);
    images.count = 0;
    for (int32_t slice = 0; slice < slices; ++slice) {
        first[slice] = images.count;
        memset(images.table, 0xFF, sizeof images.table);
        for (int32_t r = slice * slice_rows;
             r < (slice + 1) * slice_rows && r < p->branches * tuples; ++r) {
            const int32_t shown = r < real_rows ? r : 0;
            const int32_t* shift = batch->shifts ? batch->shifts + 2 * shown : unmoved;
            if (place)
                place[r] = siamc_find_image(&images, batch->rows[shown], shift) - first[slice];
            else
                siamc_add_image(&images, batch->rows[shown], shift);
        }
        while (images.count % p->tuple_quantum != 0)
            siamc_add_image(&images, batch->rows[0], unmoved);
    }
    first[slices] = run->rows[SIAMC_IMAGE_ROWS] = images.count;
}

/* Copies the batch into the arena and pads it to whole register tiles. A padding tuple weighs
 * nothing, so it adds exactly 0 to every gradient. */
static inline void siamc_prepare_batch(siamc_run* run, const siamc_program* p,
                                       const siamc_batch* batch) {
    uint8_t* arena = (uint8_t*)run->base[SIAMC_ARENA];
    const int32_t quantum = p->tuple_quantum < p->batch ? p->tuple_quantum : p->batch;
    const int32_t tuples = (batch->tuples + quantum - 1) / quantum * quantum;
    const int32_t slice_tuples = siamc_slice_tuples(p, tuples);
    run->rows[SIAMC_TUPLE_ROWS] = tuples;
    run->rows[SIAMC_SLICE_ROWS] = (tuples + slice_tuples - 1) / slice_tuples;
    siamc_list_images(run, p, batch);
    if (p->label_offset >= 0) {
        float* label = (float*)(void*)(arena + p->label_offset);
        memset(label, 0, (size_t)tuples * sizeof *label);
        memcpy(label, batch->labels, (size_t)batch->tuples * sizeof *label);
    }
    if (p->weight_offset >= 0) {
        float* weight = (float*)(void*)(arena + p->weight_offset);
        for (int32_t t = 0; t < tuples; ++t)
            weight[t] = t < batch->tuples ? 1.0f / (float)batch->tuples : 0.0f;
    }
}

static inline const float* siamc_result(const siamc_program* program, const void* arena,
                                        int32_t output) {
    return (const float*)(const void*)((const uint8_t*)arena + program->outputs[output].offset);
}

/* ---- the entry points -------------------------------------------------------------------- */

static inline void siamc_start(siamc_run* run, void* arena, const void* dataset, int32_t stored) {
    memset(run, 0, offsetof(siamc_run, parts));
    run->base[SIAMC_ARENA] = arena;
    run->base[SIAMC_DATASET] = (void*)(uintptr_t)dataset;
    run->rows[SIAMC_STORED_ROWS] = stored;
}

/* Embeddings of n images: out is [n][embedding_size]. rows: which of the stored images; every
 * index must be in 0 .. stored - 1. */
static inline int siamc_embed(const siamc_model* model, const float* parameters,
                              const uint8_t* images, int32_t stored, const int32_t* rows, int32_t n,
                              float* out, void* arena) {
    for (int32_t done = 0; done < n;) {
        const int32_t left = n - done; /* less than a register tile goes one by one */
        const siamc_program* program =
            left < model->embed->tuple_quantum ? model->embed_one : model->embed;
        siamc_batch batch = {rows + done, NULL, NULL, left};
        siamc_run run;
        int error;
        if (batch.tuples > program->batch) batch.tuples = program->batch;
        siamc_start(&run, arena, images, stored);
        run.base[SIAMC_PARAMETERS] = (void*)(uintptr_t)parameters;
        siamc_prepare_batch(&run, program, &batch);
        siamc_add_program(&run, program);
        error = siamc_execute(&run);
        if (error) return error;
        memcpy(out + (size_t)done * (size_t)model->embedding_size, siamc_result(program, arena, 0),
               (size_t)batch.tuples * (size_t)model->embedding_size * sizeof *out);
        done += batch.tuples;
    }
    return 0;
}

/* Where a step's results lie in the arena, valid until it is used again. */
typedef struct siamc_results {
    double loss;                               /* mean over the batch */
    const float* losses;                       /* per tuple */
    const float* distances[SIAMC_MAX_OUTPUTS]; /* pair: D; triplet: D(a, p), D(a, n) */
} siamc_results;

static inline void siamc_collect(const siamc_program* program, const void* arena, int32_t tuples,
                                 siamc_results* results) {
    results->losses = siamc_result(program, arena, 0);
    for (int32_t i = 1; i < program->branches; ++i)
        results->distances[i - 1] = siamc_result(program, arena, i);
    results->loss = 0;
    for (int32_t t = 0; t < tuples; ++t) results->loss += (double)results->losses[t];
    results->loss /= tuples;
}

/* Loss of at most loss->train->batch tuples of images and its gradient, written to `gradient`
 * [parameter_floats], whose padding must be 0. */
static inline int siamc_gradient(const siamc_loss* loss, const float* parameters,
                                 const uint8_t* images, int32_t stored, const siamc_batch* batch,
                                 float* gradient, void* arena, siamc_results* results) {
    siamc_run run;
    int error;
    siamc_start(&run, arena, images, stored);
    run.base[SIAMC_PARAMETERS] = (void*)(uintptr_t)parameters;
    run.base[SIAMC_GRADIENT] = gradient;
    siamc_prepare_batch(&run, loss->train, batch);
    siamc_add_program(&run, loss->train);
    error = siamc_execute(&run);
    if (!error) siamc_collect(loss->train, arena, batch->tuples, results);
    return error;
}

/* One step of the optimiser on the flat buffers; what the hyper-parameters are is said where the
 * optimiser is defined, in the generated header. */
static inline int siamc_update(const siamc_optimizer* optimizer,
                               const float hyper[SIAMC_HYPERPARAMETERS], float* parameters,
                               const float* gradient, float* const moments[SIAMC_MAX_MOMENTS]) {
    siamc_run run;
    siamc_start(&run, NULL, NULL, 0);
    run.base[SIAMC_PARAMETERS] = parameters;
    run.base[SIAMC_GRADIENT] = (void*)(uintptr_t)gradient;
    run.base[SIAMC_MOMENT1] = moments[0];
    run.base[SIAMC_MOMENT2] = moments[1];
    run.base[SIAMC_HYPER] = (void*)(uintptr_t)hyper;
    siamc_add_program(&run, optimizer->program);
    return siamc_execute(&run);
}

/* What a step of training changes: buffers as in siamc_gradient and siamc_update. */
typedef struct siamc_state {
    float *parameters, *gradient;
    float* moments[SIAMC_MAX_MOMENTS];
    void* arena;
} siamc_state;

/* siamc_gradient, then siamc_update, with one call of the threads. */
static inline int siamc_step(const siamc_loss* loss, const siamc_optimizer* optimizer,
                             const float hyper[SIAMC_HYPERPARAMETERS], const uint8_t* images,
                             int32_t stored, const siamc_batch* batch, const siamc_state* state,
                             siamc_results* results) {
    siamc_run run;
    int error;
    siamc_start(&run, state->arena, images, stored);
    run.base[SIAMC_PARAMETERS] = state->parameters;
    run.base[SIAMC_GRADIENT] = state->gradient;
    run.base[SIAMC_MOMENT1] = state->moments[0];
    run.base[SIAMC_MOMENT2] = state->moments[1];
    run.base[SIAMC_HYPER] = (void*)(uintptr_t)hyper;
    siamc_prepare_batch(&run, loss->train, batch);
    siamc_add_program(&run, loss->train);
    siamc_add_program(&run, optimizer->program);
    error = siamc_execute(&run);
    if (!error) siamc_collect(loss->train, state->arena, batch->tuples, results);
    return error;
}

/* Loss and distances of at most loss->evaluate->batch tuples of stored embeddings. */
static inline int siamc_evaluate(const siamc_loss* loss, const float* embeddings, int32_t stored,
                                 const siamc_batch* batch, void* arena, siamc_results* results) {
    siamc_run run;
    int error;
    siamc_start(&run, arena, embeddings, stored);
    siamc_prepare_batch(&run, loss->evaluate, batch);
    siamc_add_program(&run, loss->evaluate);
    error = siamc_execute(&run);
    if (!error) siamc_collect(loss->evaluate, arena, batch->tuples, results);
    return error;
}

#endif
