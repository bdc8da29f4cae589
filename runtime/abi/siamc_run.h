/* Runs the programs of a generated library (siamc_abi.h). C11, also valid C++.
 *
 * The functions allocate nothing, keep no state but which variant runs (siamc_choose), and may be
 * called from several threads with different arenas. They return 0, the error code of the kernel
 * that failed (see halide_error_code_t), or an enum siamc_error. */
#ifndef SIAMC_RUN_H
#define SIAMC_RUN_H

#include "siamc_execute.h"

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
    run->rows[SIAMC_SLICE_ROWS] = tuples ? (tuples + slice_tuples - 1) / slice_tuples : 0;
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
        error = siamc_add_program(&run, program);
        if (!error) error = siamc_execute(&run);
        if (error) return error;
        memcpy(out + (size_t)done * (size_t)model->embedding_size, siamc_result(program, arena, 0),
               (size_t)batch.tuples * (size_t)model->embedding_size * sizeof *out);
        done += batch.tuples;
    }
    return 0;
}

/* The name of the variant that runs; NULL if none can. */
static inline const char* siamc_variant_name(const siamc_model* model) {
    const int32_t chosen = siamc_choose(model->variants);
    return chosen > 0 ? model->variants->list[chosen - 1].name : NULL;
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
    if (tuples > 0) results->loss /= tuples;
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
    error = siamc_add_program(&run, loss->train);
    if (!error) error = siamc_execute(&run);
    if (!error) siamc_collect(loss->train, arena, batch->tuples, results);
    return error;
}

/* One step of the optimiser on the flat buffers; what the hyper-parameters are is said where the
 * optimiser is defined, in the generated header. */
static inline int siamc_update(const siamc_optimizer* optimizer,
                               const float hyper[SIAMC_HYPERPARAMETERS], float* parameters,
                               const float* gradient, float* const moments[SIAMC_MAX_MOMENTS]) {
    siamc_run run;
    int error;
    siamc_start(&run, NULL, NULL, 0);
    run.base[SIAMC_PARAMETERS] = parameters;
    run.base[SIAMC_GRADIENT] = (void*)(uintptr_t)gradient;
    run.base[SIAMC_MOMENT1] = moments[0];
    run.base[SIAMC_MOMENT2] = moments[1];
    run.base[SIAMC_HYPER] = (void*)(uintptr_t)hyper;
    error = siamc_add_program(&run, optimizer->program);
    return error ? error : siamc_execute(&run);
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
    error = siamc_add_program(&run, loss->train);
    if (!error) error = siamc_add_program(&run, optimizer->program);
    if (!error) error = siamc_execute(&run);
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
    error = siamc_add_program(&run, loss->evaluate);
    if (!error) error = siamc_execute(&run);
    if (!error) siamc_collect(loss->evaluate, arena, batch->tuples, results);
    return error;
}

#endif
