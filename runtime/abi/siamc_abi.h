/* What a generated library and its callers agree on. Plain C11, also valid C++.
 *
 * A library holds kernels (compiled functions on buffers) and programs: which kernels to call, in
 * which order, on which boxes of which memory. The functions below run a program. They allocate
 * nothing, keep no state and may be called from several threads with different arenas.
 *
 * Floats are IEEE single precision; images are bytes as stored on disk. Functions return 0, or the
 * error code of the kernel that failed (see halide_error_code_t). */
#ifndef SIAMC_ABI_H
#define SIAMC_ABI_H

#include <stdint.h>
#include <string.h>

#include "HalideRuntime.h"

#define SIAMC_ABI_VERSION 1
#define SIAMC_MAX_DIMS 4
#define SIAMC_MAX_OPERANDS 12
#define SIAMC_MAX_OUTPUTS 4
#define SIAMC_HYPERPARAMETERS 8
#define SIAMC_MAX_MOMENTS 2

/* Arenas, parameters, gradients and moments start on a cache line. */
#define SIAMC_ALIGNMENT 64

enum siamc_space {
    SIAMC_ARENA,
    SIAMC_PARAMETERS,
    SIAMC_GRADIENT,
    SIAMC_DATASET, /* stored images or embeddings */
    SIAMC_MOMENT1,
    SIAMC_MOMENT2,
    SIAMC_HYPER,
    SIAMC_SPACES
};

/* A box inside a tensor, as a kernel sees it. */
typedef struct siamc_operand {
    uint8_t space;                /* enum siamc_space */
    uint8_t type_code, type_bits; /* as in halide_type_t */
    uint8_t dimensions;
    int32_t rows_per_tuple; /* > 0: the last extent is this times the tuples at hand */
    int32_t extent[SIAMC_MAX_DIMS], stride[SIAMC_MAX_DIMS]; /* elements, innermost first */
    int64_t offset;                                         /* bytes from the start of the space */
    int64_t task_stride; /* bytes between the boxes of consecutive tasks */
} siamc_operand;

typedef struct siamc_call {
    int (*kernel)(void** arguments);
    const char* name;
    const siamc_operand* operands;
    int32_t operand_count;
    int32_t tasks; /* 0: one per slice of the batch */
} siamc_call;

typedef struct siamc_output {
    const char* name;
    int64_t offset; /* bytes in the arena */
    int64_t floats_per_tuple;
} siamc_output;

/* One entry point. Its calls run in three parts: first those on parameters alone, then the batch
 * slice by slice, then the sums over the batch. The tasks of a part run in parallel. */
typedef struct siamc_program {
    const char* name;
    int32_t branches;      /* images per tuple: 1 image, 2 pair, 3 triplet */
    int32_t batch;         /* the most tuples at once */
    int32_t slice_tuples;  /* results depend on slices, never on the number of threads */
    int32_t tuple_quantum; /* tuples are padded to a multiple of this */
    int64_t arena_bytes;
    int64_t rows_offset, shifts_offset, label_offset, weight_offset; /* in the arena; -1: none */
    const siamc_call* calls;
    int32_t prologue_calls, slice_calls, batch_calls;
    siamc_output outputs[SIAMC_MAX_OUTPUTS];
    int32_t output_count;
} siamc_program;

typedef struct siamc_parameter {
    const char* name;
    int64_t offset;               /* floats in the flat buffer */
    int32_t dims[SIAMC_MAX_DIMS]; /* outermost first, as numpy prints a shape */
    int32_t dimensions;
} siamc_parameter;

/* A loss: training on images, and evaluation on embeddings computed before. */
typedef struct siamc_loss {
    const char* name;
    const siamc_program *train, *evaluate;
    float margin;
} siamc_loss;

typedef struct siamc_optimizer {
    const char* name;
    const siamc_program* program;
    int32_t moments; /* flat buffers of state, zero at the start */
} siamc_optimizer;

typedef struct siamc_model {
    int32_t abi_version;
    const char *name, *target, *hash; /* hash: of graphs, plans and target, 16 hexadecimal digits */
    int32_t image_dims[3], image_dimensions; /* outermost first, as stored */
    int32_t image_bytes;
    int32_t embedding_size;   /* floats */
    int64_t parameter_count;  /* floats that are trained */
    int64_t parameter_floats; /* of the flat buffer: padded with zeros */
    int64_t arena_bytes;      /* enough for every program */
    const siamc_parameter* parameters;
    int32_t parameter_tensors;
    const siamc_program *embed_one, *embed;
    const siamc_loss* losses;
    int32_t loss_count;
    const siamc_optimizer* optimizers;
    int32_t optimizer_count;
} siamc_model;

/* The tuples of a step. Rows are interleaved: images of tuple t are rows branches * t + branch. */
typedef struct siamc_batch {
    const int32_t* rows;   /* index of each row's image */
    const int32_t* shifts; /* pixels right, pixels down per row; NULL: none */
    const float* labels;   /* per pair: 1 same class, 0 different; NULL for triplets */
    int32_t tuples;
} siamc_batch;

/* ---- running a program ------------------------------------------------------------------- */

typedef struct siamc_run {
    const siamc_program* program;
    void* base[SIAMC_SPACES];
    int32_t dataset_rows; /* stored images or embeddings */
    int32_t tuples;       /* padded */
    const siamc_call* calls;
    int32_t call_count;
} siamc_run;

static inline int siamc_call_kernel(const siamc_run* run, const siamc_call* call, int32_t task,
                                    int32_t tuples) {
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
        if (operand->rows_per_tuple > 0)
            dims[i][operand->dimensions - 1].extent = operand->rows_per_tuple * tuples;
        else if (operand->space == SIAMC_DATASET)
            dims[i][operand->dimensions - 1].extent = run->dataset_rows;
        buffer->host =
            (uint8_t*)run->base[operand->space] + operand->offset + task * operand->task_stride;
        buffer->type.code = (halide_type_code_t)operand->type_code;
        buffer->type.bits = operand->type_bits;
        buffer->type.lanes = 1;
        buffer->dimensions = operand->dimensions;
        buffer->dim = dims[i];
        arguments[i] = buffer;
    }
    return call->kernel(arguments);
}

/* Tasks of calls that stand side by side: the tasks of the first call, then those of the next. */
static inline int siamc_block_task(void* user_context, int task, uint8_t* closure) {
    const siamc_run* run = (const siamc_run*)(void*)closure;
    const siamc_call* call = run->calls;
    (void)user_context;
    while (task >= call->tasks) task -= (call++)->tasks;
    return siamc_call_kernel(run, call, task, run->tuples);
}

/* One slice of the batch through all calls. */
static inline int siamc_slice_task(void* user_context, int slice, uint8_t* closure) {
    const siamc_run* run = (const siamc_run*)(void*)closure;
    const int32_t first = slice * run->program->slice_tuples;
    int32_t tuples = run->tuples - first;
    (void)user_context;
    if (tuples > run->program->slice_tuples) tuples = run->program->slice_tuples;
    for (int32_t c = 0; c < run->call_count; ++c) {
        const int error = siamc_call_kernel(run, &run->calls[c], slice, tuples);
        if (error) return error;
    }
    return 0;
}

static inline int siamc_run_part(siamc_run* run, const siamc_call* calls, int32_t count,
                                 int by_slices) {
    int32_t tasks = 0;
    if (count == 0) return 0;
    run->calls = calls;
    run->call_count = count;
    if (by_slices)
        tasks = (run->tuples + run->program->slice_tuples - 1) / run->program->slice_tuples;
    else
        for (int32_t c = 0; c < count; ++c) tasks += calls[c].tasks;
    halide_task_t task = by_slices ? siamc_slice_task : siamc_block_task;
    if (tasks == 1) return task(NULL, 0, (uint8_t*)(void*)run);
    return halide_do_par_for(NULL, task, 0, tasks, (uint8_t*)(void*)run);
}

static inline int siamc_run_program(siamc_run* run) {
    const siamc_program* program = run->program;
    const siamc_call* slices = program->calls + program->prologue_calls;
    int error = siamc_run_part(run, program->calls, program->prologue_calls, 0);
    if (!error) error = siamc_run_part(run, slices, program->slice_calls, 1);
    if (!error) error = siamc_run_part(run, slices + program->slice_calls, program->batch_calls, 0);
    return error;
}

/* Copies the batch into the arena and pads it to whole register tiles. A padded tuple shows the
 * first image everywhere and weighs nothing, so it adds exactly 0 to every gradient. */
static inline void siamc_prepare_batch(siamc_run* run, const siamc_batch* batch) {
    const siamc_program* p = run->program;
    uint8_t* arena = (uint8_t*)run->base[SIAMC_ARENA];
    const int32_t quantum = p->tuple_quantum < p->batch ? p->tuple_quantum : p->batch;
    const int32_t tuples = (batch->tuples + quantum - 1) / quantum * quantum;
    const size_t real_rows = (size_t)p->branches * (size_t)batch->tuples;
    const size_t rows = (size_t)p->branches * (size_t)tuples;
    int32_t* row = (int32_t*)(void*)(arena + p->rows_offset);
    run->tuples = tuples;
    memcpy(row, batch->rows, real_rows * sizeof *row);
    for (size_t r = real_rows; r < rows; ++r) row[r] = batch->rows[0];
    if (p->shifts_offset >= 0) {
        int32_t* shift = (int32_t*)(void*)(arena + p->shifts_offset);
        memset(shift, 0, rows * 2 * sizeof *shift);
        if (batch->shifts) memcpy(shift, batch->shifts, real_rows * 2 * sizeof *shift);
    }
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

static inline const float* siamc_result(const siamc_run* run, int32_t output) {
    return (const float*)(const void*)((const uint8_t*)run->base[SIAMC_ARENA] +
                                       run->program->outputs[output].offset);
}

/* ---- the entry points -------------------------------------------------------------------- */

/* Embeddings of n images: out is [n][embedding_size]. rows: which of the stored images; every
 * index must be in 0 .. stored - 1. */
static inline int siamc_embed(const siamc_model* model, const float* parameters,
                              const uint8_t* images, int32_t stored, const int32_t* rows, int32_t n,
                              float* out, void* arena) {
    for (int32_t done = 0; done < n;) {
        const siamc_program* program = n - done == 1 ? model->embed_one : model->embed;
        siamc_batch batch = {rows + done, NULL, NULL, n - done};
        siamc_run run;
        int error;
        if (batch.tuples > program->batch) batch.tuples = program->batch;
        memset(&run, 0, sizeof run);
        run.program = program;
        run.base[SIAMC_ARENA] = arena;
        run.base[SIAMC_PARAMETERS] = (void*)(uintptr_t)parameters;
        run.base[SIAMC_DATASET] = (void*)(uintptr_t)images;
        run.dataset_rows = stored;
        siamc_prepare_batch(&run, &batch);
        error = siamc_run_program(&run);
        if (error) return error;
        memcpy(out + (size_t)done * (size_t)model->embedding_size, siamc_result(&run, 0),
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

static inline void siamc_collect(const siamc_run* run, int32_t tuples, siamc_results* results) {
    results->losses = siamc_result(run, 0);
    for (int32_t i = 1; i < run->program->branches; ++i)
        results->distances[i - 1] = siamc_result(run, i);
    results->loss = 0;
    for (int32_t t = 0; t < tuples; ++t) results->loss += (double)results->losses[t];
    results->loss /= tuples;
}

/* Loss of at most program->batch tuples of images and its gradient, written to `gradient`
 * [parameter_floats], whose padding must be 0. */
static inline int siamc_gradient(const siamc_loss* loss, const float* parameters,
                                 const uint8_t* images, int32_t stored, const siamc_batch* batch,
                                 float* gradient, void* arena, siamc_results* results) {
    siamc_run run;
    int error;
    memset(&run, 0, sizeof run);
    run.program = loss->train;
    run.base[SIAMC_ARENA] = arena;
    run.base[SIAMC_PARAMETERS] = (void*)(uintptr_t)parameters;
    run.base[SIAMC_GRADIENT] = gradient;
    run.base[SIAMC_DATASET] = (void*)(uintptr_t)images;
    run.dataset_rows = stored;
    siamc_prepare_batch(&run, batch);
    error = siamc_run_program(&run);
    if (!error) siamc_collect(&run, batch->tuples, results);
    return error;
}

/* Loss and distances of at most program->batch tuples of stored embeddings. */
static inline int siamc_evaluate(const siamc_loss* loss, const float* embeddings, int32_t stored,
                                 const siamc_batch* batch, void* arena, siamc_results* results) {
    siamc_run run;
    int error;
    memset(&run, 0, sizeof run);
    run.program = loss->evaluate;
    run.base[SIAMC_ARENA] = arena;
    run.base[SIAMC_DATASET] = (void*)(uintptr_t)embeddings;
    run.dataset_rows = stored;
    siamc_prepare_batch(&run, batch);
    error = siamc_run_program(&run);
    if (!error) siamc_collect(&run, batch->tuples, results);
    return error;
}

/* One step of the optimiser on the flat buffers; what the hyper-parameters are is said where the
 * optimiser is defined, in the generated header. */
static inline int siamc_update(const siamc_optimizer* optimizer,
                               const float hyper[SIAMC_HYPERPARAMETERS], float* parameters,
                               const float* gradient, float* const moments[SIAMC_MAX_MOMENTS]) {
    siamc_run run;
    memset(&run, 0, sizeof run);
    run.program = optimizer->program;
    run.base[SIAMC_PARAMETERS] = parameters;
    run.base[SIAMC_GRADIENT] = (void*)(uintptr_t)gradient;
    run.base[SIAMC_MOMENT1] = moments[0];
    run.base[SIAMC_MOMENT2] = moments[1];
    run.base[SIAMC_HYPER] = (void*)(uintptr_t)hyper;
    return siamc_run_program(&run);
}

#endif
