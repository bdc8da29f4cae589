/* What siamc.h declares. */
#ifndef SIAMC_INTERNAL_RUN_H
#define SIAMC_INTERNAL_RUN_H

#include <math.h>

#include "batch.h"
#include "check.h"

/* ---- models and threads ------------------------------------------------------------------- */

static inline const char* siamc_variant_name(const siamc_model* model) {
    const int32_t chosen = siamc_choose(model->library);
    return chosen > 0 ? model->library->variants[chosen - 1].name : NULL;
}

static inline const siamc_loss* siamc_find_loss(const siamc_model* model, const char* name) {
    int32_t l;
    for (l = 0; l < model->loss_count; ++l)
        if (!strcmp(model->losses[l].name, name)) return model->losses + l;
    return NULL;
}

static inline const siamc_optimizer* siamc_find_optimizer(const siamc_model* model,
                                                          const char* name) {
    int32_t o;
    for (o = 0; o < model->optimizer_count; ++o)
        if (!strcmp(model->optimizers[o].name, name)) return model->optimizers + o;
    return NULL;
}

static inline int siamc_set_threads(const siamc_model* model, int32_t threads) {
    if (!model) return SIAMC_NULL_ARGUMENT;
    if (threads < 1) return SIAMC_NEGATIVE_COUNT;
    if (threads > SIAMC_MAX_THREADS) return SIAMC_TOO_MANY_THREADS;
    model->library->functions->set_threads(threads);
    return 0;
}

static inline int siamc_set_spin(const siamc_model* model, int32_t looks) {
    if (!model) return SIAMC_NULL_ARGUMENT;
    if (looks < 0) return SIAMC_NEGATIVE_COUNT;
    model->library->state->spin = looks < INT32_MAX ? looks + 1 : looks;
    return 0;
}

static inline int siamc_set_parallel_for(const siamc_model* model, siamc_parallel_for loop,
                                         void* user) {
    if (!model) return SIAMC_NULL_ARGUMENT;
    model->library->state->loop = loop;
    model->library->state->loop_user = user;
    return 0;
}

/* ---- embedding ---------------------------------------------------------------------------- */

/* At most program->batch of the images, with or without the stages that prepare parameters. */
static inline int siamc_embed_batch(const siamc_program* program, const float* parameters,
                                    void* arena, int32_t first_stage, const uint8_t* images,
                                    int32_t stored, const siamc_batch* batch) {
    siamc_run run;
    int error;
    siamc_start(&run, arena, images, stored);
    run.base[SIAMC_PARAMETERS] = (void*)(uintptr_t)parameters;
    siamc_prepare_batch(&run, program, batch, 0);
    error = siamc_add_stages(&run, program, first_stage, program->stage_count);
    return error ? error : siamc_execute(&run);
}

/* Less than a register tile of images goes one by one. */
static inline const siamc_program* siamc_embed_program(const siamc_model* model, int32_t n) {
    return n < model->embed->tuple_quantum ? model->embed_one : model->embed;
}

/* `one_offset`: where embed_one's arena lies in the memory. */
static inline int siamc_embed_all(const siamc_model* model, const float* parameters,
                                  uint8_t* memory, int64_t one_offset, int prepared,
                                  const uint8_t* images, int32_t stored, const int32_t* indices,
                                  int32_t n, float* out) {
    const siamc_program* ready = NULL; /* whose prologue's results lie in its arena */
    int32_t done = 0;
    int error = siamc_check_stored(stored, model->image_bytes);
    if (n < 0) return SIAMC_NEGATIVE_COUNT;
    if (!error) error = siamc_check_indices(indices, n, stored);
    if (!error && n > 0 && !images) error = SIAMC_NULL_ARGUMENT;
    if (!error && n > 0) error = siamc_check_floats(out);
    while (done < n && !error) {
        const siamc_program* program = siamc_embed_program(model, n - done);
        uint8_t* arena = memory + (program == model->embed ? 0 : one_offset);
        siamc_batch batch;
        batch.indices = indices + done;
        batch.shifts = NULL;
        batch.labels = NULL;
        batch.tuples = n - done < program->batch ? n - done : program->batch;
        error = siamc_embed_batch(program, parameters, arena,
                                  prepared || ready == program ? program->prologue_stages : 0,
                                  images, stored, &batch);
        if (error) return error;
        ready = program;
        memcpy(out + (size_t)done * (size_t)model->embedding_size,
               siamc_output_of(program, arena, 0),
               (size_t)batch.tuples * (size_t)model->embedding_size * sizeof *out);
        done += batch.tuples;
    }
    return error;
}

static inline int64_t siamc_embed_one_offset(const siamc_model* model) {
    return (model->embed->arena_bytes + SIAMC_ALIGNMENT - 1) / SIAMC_ALIGNMENT * SIAMC_ALIGNMENT;
}

/* Runs the stages that read parameters alone. */
static inline int siamc_prepare_parameters(const siamc_program* program, const float* parameters,
                                           void* arena) {
    siamc_run run;
    int error;
    siamc_start(&run, arena, NULL, 0);
    run.base[SIAMC_PARAMETERS] = (void*)(uintptr_t)parameters;
    error = siamc_add_stages(&run, program, 0, program->prologue_stages);
    return error ? error : siamc_execute(&run);
}

static inline int siamc_encoder_open(siamc_encoder* encoder, const siamc_model* model,
                                     const float* parameters, void* memory) {
    int error = encoder ? siamc_check_model(model) : SIAMC_NULL_ARGUMENT;
    if (!error) error = siamc_check_floats(parameters);
    if (!error) error = siamc_check_memory(memory);
    if (error) return error;
    encoder->model = model;
    encoder->parameters = parameters;
    encoder->memory = (uint8_t*)memory;
    error = siamc_prepare_parameters(model->embed, parameters, memory);
    if (error) return error;
    return siamc_prepare_parameters(model->embed_one, parameters,
                                    encoder->memory + siamc_embed_one_offset(model));
}

static inline int siamc_encode(const siamc_encoder* encoder, const uint8_t* images, int32_t stored,
                               const int32_t* indices, int32_t n, float* out) {
    if (!encoder || !encoder->memory) return SIAMC_NULL_ARGUMENT;
    return siamc_embed_all(encoder->model, encoder->parameters, encoder->memory,
                           siamc_embed_one_offset(encoder->model), 1, images, stored, indices, n,
                           out);
}

static inline int siamc_embed(const siamc_model* model, const float* parameters,
                              const uint8_t* images, int32_t stored, const int32_t* indices,
                              int32_t n, float* out, void* arena) {
    int error = siamc_check_model(model);
    if (!error) error = siamc_check_floats(parameters);
    if (!error) error = siamc_check_memory(arena);
    if (error) return error;
    return siamc_embed_all(model, parameters, (uint8_t*)arena, 0, 0, images, stored, indices, n,
                           out);
}

/* ---- training ----------------------------------------------------------------------------- */

/* value * base^power, for powers of -1, 0 and 1. */
static inline double siamc_times_power(double value, double base, int32_t power) {
    return power == 0 ? value : power > 0 ? value * base : value / base;
}

/* The kernel's hyper-parameters of step t, counted from 1. */
static inline void siamc_fill_hyper(const siamc_optimizer* optimizer, int32_t semantics,
                                    double rate, int64_t step, float hyper[SIAMC_HYPERPARAMETERS]) {
    const siamc_hyper_rule* rule = optimizer->rules + semantics * optimizer->hyper_count;
    const double t = (double)step;
    int32_t h;
    memset(hyper, 0, SIAMC_HYPERPARAMETERS * sizeof *hyper);
    for (h = 0; h < optimizer->hyper_count; ++h, ++rule) {
        double value = siamc_times_power(rule->value, rate, rule->rate);
        if (rule->correction2)
            value = siamc_times_power(value, sqrt(1 - pow(rule->beta2, t)), rule->correction2);
        if (rule->correction1)
            value = siamc_times_power(value, 1 - pow(rule->beta1, t), rule->correction1);
        hyper[h] = (float)value;
    }
}

static inline int siamc_trainer_open(siamc_trainer* trainer, const siamc_model* model,
                                     const char* loss, const char* optimizer,
                                     const siamc_buffers* buffers) {
    int error = trainer && buffers && loss ? siamc_check_model(model) : SIAMC_NULL_ARGUMENT;
    int32_t m;
    if (!error) error = siamc_check_floats(buffers->parameters);
    if (!error) error = siamc_check_floats(buffers->gradient);
    if (!error) error = siamc_check_memory(buffers->arena);
    if (error) return error;
    memset(trainer, 0, sizeof *trainer);
    trainer->model = model;
    trainer->loss = siamc_find_loss(model, loss);
    trainer->buffers = *buffers;
    if (!trainer->loss) return SIAMC_UNKNOWN_NAME;
    if (!optimizer) return 0;
    trainer->optimizer = siamc_find_optimizer(model, optimizer);
    if (!trainer->optimizer) return SIAMC_UNKNOWN_NAME;
    for (m = 0; m < trainer->optimizer->moments && !error; ++m)
        error = siamc_check_floats(buffers->moments[m]);
    return error;
}

static inline int siamc_trainer_set_images(siamc_trainer* trainer, const uint8_t* images,
                                           int32_t stored) {
    if (!trainer) return SIAMC_NULL_ARGUMENT;
    if (stored < 0) return SIAMC_NEGATIVE_COUNT;
    if (stored > 0 && !images) return SIAMC_NULL_ARGUMENT;
    trainer->images = images;
    trainer->stored = stored;
    return 0;
}

static inline void siamc_start_training(siamc_run* run, const siamc_trainer* trainer) {
    siamc_start(run, trainer->buffers.arena, trainer->images, trainer->stored);
    run->base[SIAMC_PARAMETERS] = trainer->buffers.parameters;
    run->base[SIAMC_GRADIENT] = trainer->buffers.gradient;
    run->base[SIAMC_MOMENT1] = trainer->buffers.moments[0];
    run->base[SIAMC_MOMENT2] = trainer->buffers.moments[1];
}

static inline void siamc_clear_idle(const siamc_loss* loss, float* gradient) {
    int32_t i;
    for (i = 0; i < 2; ++i)
        memset(gradient + loss->idle[i].offset, 0, (size_t)loss->idle[i].floats * sizeof *gradient);
}

/* What is due of a step: the gradient of a batch (unless it is NULL), an update (unless `hyper`
 * is). */
static inline int siamc_train(const siamc_trainer* trainer, const siamc_batch* batch,
                              const float* hyper, siamc_results* results) {
    const siamc_program* program = NULL;
    siamc_run run;
    int error = 0;
    siamc_start_training(&run, trainer);
    run.base[SIAMC_HYPER] = (void*)(uintptr_t)hyper;
    if (batch) {
        program = trainer->loss->train;
        error = siamc_check_stored(trainer->stored, program->stored_bytes);
        if (!error) error = siamc_check_batch(program, batch, trainer->images, trainer->stored);
        if (error) return error;
        if (!results) return SIAMC_NULL_ARGUMENT;
        siamc_prepare_batch(&run, program, batch,
                            trainer->seed + 0x9E3779B9u * (uint32_t)trainer->steps);
        siamc_clear_idle(trainer->loss, trainer->buffers.gradient);
        error = siamc_add_program(&run, program);
    }
    if (hyper && !error) error = siamc_add_program(&run, trainer->optimizer->program);
    if (!error) error = siamc_execute(&run);
    if (batch && !error) siamc_collect(program, trainer->buffers.arena, batch->tuples, results);
    return error;
}

static inline int siamc_trainer_gradient(siamc_trainer* trainer, const siamc_batch* batch,
                                         siamc_results* results) {
    if (!trainer || !batch) return SIAMC_NULL_ARGUMENT;
    if (!trainer->loss) return SIAMC_NOT_OPEN;
    return siamc_train(trainer, batch, NULL, results);
}

/* The hyper-parameters of the next step. */
static inline int siamc_next_hyper(siamc_trainer* trainer, double rate,
                                   float hyper[SIAMC_HYPERPARAMETERS]) {
    if (!trainer) return SIAMC_NULL_ARGUMENT;
    if (!trainer->loss || !trainer->optimizer) return SIAMC_NOT_OPEN;
    if (!(rate - rate == 0)) return SIAMC_BAD_RATE;
    siamc_fill_hyper(trainer->optimizer, trainer->semantics == SIAMC_PYTORCH, rate,
                     trainer->steps + 1, hyper);
    return 0;
}

static inline int siamc_trainer_update(siamc_trainer* trainer, double rate) {
    float hyper[SIAMC_HYPERPARAMETERS];
    int error = siamc_next_hyper(trainer, rate, hyper);
    if (!error) error = siamc_train(trainer, NULL, hyper, NULL);
    if (!error) ++trainer->steps;
    return error;
}

static inline int siamc_trainer_step(siamc_trainer* trainer, double rate, const siamc_batch* batch,
                                     siamc_results* results) {
    float hyper[SIAMC_HYPERPARAMETERS];
    int error = siamc_next_hyper(trainer, rate, hyper);
    if (!error && !batch) error = SIAMC_NULL_ARGUMENT;
    if (!error) error = siamc_train(trainer, batch, hyper, results);
    if (!error) ++trainer->steps;
    return error;
}

/* NULL will do for a program that reads none. */
static inline int siamc_check_parameters(const siamc_program* program, const float* parameters) {
    return program->reads_parameters ? siamc_check_floats(parameters) : 0;
}

static inline int siamc_evaluate(const siamc_model* model, const siamc_loss* loss,
                                 const float* parameters, const float* embeddings, int32_t stored,
                                 const siamc_batch* batch, void* arena, siamc_results* results) {
    siamc_run run;
    int error = loss && results ? siamc_check_model(model) : SIAMC_NULL_ARGUMENT;
    if (!error) error = siamc_check_parameters(loss->evaluate, parameters);
    if (!error) error = siamc_check_memory(arena);
    if (!error) error = siamc_check_stored(stored, model->embedding_size);
    if (!error) error = siamc_check_batch(loss->evaluate, batch, embeddings, stored);
    if (!error && !siamc_aligned(embeddings, sizeof(float))) error = SIAMC_UNALIGNED;
    if (error) return error;
    siamc_start(&run, arena, embeddings, stored);
    run.base[SIAMC_PARAMETERS] = (void*)(uintptr_t)parameters;
    siamc_prepare_batch(&run, loss->evaluate, batch, 0);
    error = siamc_add_program(&run, loss->evaluate);
    if (!error) error = siamc_execute(&run);
    if (!error) siamc_collect(loss->evaluate, arena, batch->tuples, results);
    return error;
}

static inline int siamc_distances(const siamc_model* model, const float* parameters,
                                  const float* embeddings, int32_t stored, const int32_t* pairs,
                                  int32_t n, float* out, void* arena) {
    int32_t done = 0;
    int error = siamc_check_model(model);
    if (!error) error = siamc_check_parameters(model->distances, parameters);
    if (!error) error = siamc_check_memory(arena);
    if (!error && n < 0) error = SIAMC_NEGATIVE_COUNT;
    if (!error) error = siamc_check_stored(stored, model->embedding_size);
    if (!error && n > 0) error = siamc_check_floats(embeddings);
    if (!error && n > 0) error = siamc_check_floats(out);
    if (!error) error = siamc_check_indices(pairs, 2 * (int64_t)n, stored);
    while (done < n && !error) {
        const siamc_program* program = model->distances;
        siamc_batch batch;
        siamc_run run;
        batch.indices = pairs + 2 * (size_t)done;
        batch.shifts = NULL;
        batch.labels = NULL;
        batch.tuples = n - done < program->batch ? n - done : program->batch;
        siamc_start(&run, arena, embeddings, stored);
        run.base[SIAMC_PARAMETERS] = (void*)(uintptr_t)parameters;
        siamc_prepare_batch(&run, program, &batch, 0);
        error = siamc_add_program(&run, program);
        if (!error) error = siamc_execute(&run);
        if (error) return error;
        memcpy(out + done, siamc_output_of(program, arena, 0), (size_t)batch.tuples * sizeof *out);
        done += batch.tuples;
    }
    return error;
}

/* ---- in one call -------------------------------------------------------------------------- */

static inline int siamc_gradient(const siamc_loss* loss, const float* parameters,
                                 const uint8_t* images, int32_t stored, const siamc_batch* batch,
                                 float* gradient, void* arena, siamc_results* results) {
    siamc_trainer trainer;
    int error = loss && batch ? siamc_check_floats(parameters) : SIAMC_NULL_ARGUMENT;
    if (!error) error = siamc_check_floats(gradient);
    if (!error) error = siamc_check_memory(arena);
    if (error) return error;
    memset(&trainer, 0, sizeof trainer);
    trainer.loss = loss;
    trainer.buffers.parameters = (float*)(uintptr_t)parameters; /* not written */
    trainer.buffers.gradient = gradient;
    trainer.buffers.arena = arena;
    trainer.images = images;
    trainer.stored = stored;
    return siamc_train(&trainer, batch, NULL, results);
}

#endif
