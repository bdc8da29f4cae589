/* Siamc: Siamese networks as libraries. What a program needs to know; what is under internal/ is
 * for the libraries themselves.
 *
 * siamc compile fc.toml -o fc   makes fc/libfc.a and fc/fc.h. With them, embeddings of images:
 *
 *     #include "fc.h"
 *
 *     void* memory = aligned_alloc(SIAMC_ALIGNMENT, FC_ENCODER_BYTES);
 *     siamc_encoder encoder;
 *     int error = siamc_encoder_open(&encoder, &fc_model, parameters, memory);
 *     if (!error) error = siamc_encode(&encoder, images, stored, indices, n, embeddings);
 *     if (error) fprintf(stderr, "%s\n", siamc_error_text(error));
 *
 * and training:
 *
 *     siamc_buffers buffers = {parameters, gradient, {moment1, moment2}, arena};
 *     siamc_batch pairs = {indices, NULL, labels, 128};
 *     siamc_trainer trainer;
 *     siamc_results results;
 *     int error = siamc_trainer_open(&trainer, &fc_model, "contrastive", "adam", &buffers);
 *     if (!error) error = siamc_trainer_set_images(&trainer, images, stored);
 *     for (int step = 0; step < steps && !error; ++step) {
 *         fill(indices, labels);
 *         error = siamc_trainer_step(&trainer, 0.001, &pairs, &results);
 *     }
 *
 * Functions return 0, an enum siamc_error, or the code of a kernel that failed. They allocate
 * nothing, write nothing but what they are given, and print nothing. A context (siamc_encoder,
 * siamc_trainer) is for one thread at a time; threads with contexts of their own may share a model
 * and parameters that none of them changes. The memory is the caller's and outlives the context; a
 * context needs no closing.
 *
 * Floats are IEEE single precision; images are bytes as stored on disk, one after the other.
 * C99 or C++11 with the atomic builtins of GCC and Clang, and POSIX threads. */
#ifndef SIAMC_H
#define SIAMC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIAMC_ABI_VERSION 11
#define SIAMC_MAX_DIMS 5
#define SIAMC_MAX_OUTPUTS 4
#define SIAMC_MAX_MOMENTS 2
#define SIAMC_MAX_THREADS 256

/* Bytes: arenas and the memory of encoders start on a cache line. So should parameters, gradients
 * and moments, whose updates are slower elsewhere. */
#define SIAMC_ALIGNMENT 64

/* ---- errors ---------------------------------------------------------------------------------- */

enum siamc_error {
    SIAMC_NO_VARIANT = -2001,       /* the processor can run none of the library's variants */
    SIAMC_UNKNOWN_VARIANT = -2002,  /* SIAMC_VARIANT names one that the library does not hold */
    SIAMC_UNUSABLE_VARIANT = -2003, /* ... or one that the processor cannot run */
    SIAMC_OTHER_ABI = -2004,        /* the library is of another release than the header */
    SIAMC_NULL_ARGUMENT = -2005,    /* memory that is needed is NULL */
    SIAMC_UNALIGNED = -2006,        /* an arena not on SIAMC_ALIGNMENT, floats not on 4 bytes */
    SIAMC_TOO_MANY_TUPLES = -2007,  /* more than the library was compiled for */
    SIAMC_NEGATIVE_COUNT = -2008,   /* of tuples, images or threads */
    SIAMC_INDEX_OUTSIDE = -2009,    /* of an image: not in 0 .. stored - 1 */
    SIAMC_UNKNOWN_NAME = -2010,     /* the model has no such loss or optimiser */
    SIAMC_OTHER_PROCESSOR = -2011,  /* a device's library, or not one where one is needed */
    SIAMC_TOO_MANY_THREADS = -2012, /* more than SIAMC_MAX_THREADS */
    SIAMC_NOT_OPEN = -2013,         /* a trainer without optimiser, or images not set */
    SIAMC_BAD_RATE = -2014,         /* a learning rate that is no finite number */
    SIAMC_OUT_OF_MEMORY = -2015,    /* on a device */
    SIAMC_TOO_LARGE = -2016, /* over 2^31 - 1 stored values; 2 GiB in one piece on a device */
    SIAMC_BAD_CLASS = -2017  /* a label that is no whole number from 0 to 16777215, or no class
                                that the loss knows */
};

/* One sentence without a full stop, for every error above; "a kernel failed" for those of kernels
 * and "no error" for 0. Never NULL. */
static inline const char* siamc_error_text(int error);

/* ---- models ---------------------------------------------------------------------------------- */

/* What they hold is in internal/tables.h. */
typedef struct siamc_program siamc_program;
typedef struct siamc_library siamc_library;

typedef struct siamc_parameter {
    const char* name;             /* "dense1.kernel" */
    int64_t offset;               /* floats from the start of the flat buffer */
    int32_t dims[SIAMC_MAX_DIMS]; /* outermost first, as numpy prints a shape */
    int32_t dimensions;
    int32_t is_drawn; /* before training: drawn by Glorot's rule; else all numbers are `initial` */
    float initial;
} siamc_parameter;

/* What a loss compares, and with it what a tuple is: a pair, a triplet, or one image of a batch,
 * whose label is its class. */
enum siamc_sees { SIAMC_PAIRS, SIAMC_TRIPLETS, SIAMC_BATCH };

typedef struct siamc_span {
    int64_t offset, floats; /* of a flat buffer */
} siamc_span;

/* A loss: training on images, and evaluation of embeddings that were computed before. */
typedef struct siamc_loss {
    const char* name;
    const siamc_program *train, *evaluate;
    siamc_span idle[2]; /* parameters that it does not train: their gradient is 0 */
    int32_t sees;       /* enum siamc_sees */
    int32_t reserved;
} siamc_loss;

typedef struct siamc_optimizer siamc_optimizer;

/* A library's model: extern const siamc_model NAME_model, in its header. */
typedef struct siamc_model {
    int32_t abi_version;
    int32_t embedding_size; /* floats */
    const char *name, *target,
        *hash;                  /* hash: of all that the code depends on, 16 hexadecimal digits */
    const char* parameter_hash; /* of the parameters' names, shapes and order, as many */
    const char* device;         /* "cuda", "opencl": for siamc_device.h; NULL: a processor's */
    int32_t image_dims[3];      /* of a stored image, outermost first */
    int32_t image_dimensions;
    int64_t image_bytes;
    int64_t parameter_count;  /* floats that weights have */
    int64_t parameter_floats; /* of the flat buffer, whose padding is and stays 0 */
    /* The first of them are statistics, which are not trained: where others have their gradient,
     * these have what a step takes off them as it is, whatever the rate. */
    int64_t statistic_floats;
    int64_t arena_bytes; /* enough for every program */
    int64_t encoder_bytes;
    const siamc_parameter* parameters;
    const siamc_loss* losses;
    const siamc_optimizer* optimizers;
    int32_t parameter_tensors, loss_count, optimizer_count;
    int32_t shared_tensors; /* the first ones; the others are each read by one loss alone */
    const siamc_program *embed_one, *embed, *distances;
    const siamc_library* library;
} siamc_model;

/* The instruction set whose kernels run: "avx512", "avx2", "sse41", "neon". NULL if none can. It is
 * the first that the processor has, or the one that the environment variable SIAMC_VARIANT names;
 * chosen when the library is first used. */
static inline const char* siamc_variant_name(const siamc_model* model);

/* The model's loss or optimiser of that name; NULL if it has none. */
static inline const siamc_loss* siamc_find_loss(const siamc_model* model, const char* name);
static inline const siamc_optimizer* siamc_find_optimizer(const siamc_model* model,
                                                          const char* name);

/* ---- threads --------------------------------------------------------------------------------- */

/* How many threads share a call's work from now on, the caller among them, 1 .. SIAMC_MAX_THREADS.
 * Results do not depend on it. Until it is called: as many as the machine has processors. The
 * threads are those of the whole program (or shared library) that the model is linked into. */
static inline int siamc_set_threads(const siamc_model* model, int32_t threads);

/* How often a thread looks whether the others are done before it goes to sleep; 0: not at all.
 * Looks take some 50 ns each. Until it is called: SIAMC_SPIN. */
#define SIAMC_SPIN 4000
static inline int siamc_set_spin(const siamc_model* model, int32_t looks);

/* A parallel loop of the program's own instead of the library's threads: calls task(work, i) for
 * i = 0 .. count - 1 in any order, on any threads, several at a time or one after the other, and
 * returns after all of them. NULL: the library's threads again. Not while the model is in use. */
typedef void (*siamc_task)(void* work, int32_t i);
typedef void (*siamc_parallel_for)(void* user, siamc_task task, void* work, int32_t count);
static inline int siamc_set_parallel_for(const siamc_model* model, siamc_parallel_for loop,
                                         void* user);

/* ---- embedding ------------------------------------------------------------------------------- */

/* Embeds images with parameters that stay as they are. */
typedef struct siamc_encoder {
    const siamc_model* model;
    const float* parameters;
    uint8_t* memory;
} siamc_encoder;

/* Prepares the parameters (transposes and transforms them where the kernels want it) into `memory`
 * [encoder_bytes]; again after they change. Both are read by siamc_encode. */
static inline int siamc_encoder_open(siamc_encoder* encoder, const siamc_model* model,
                                     const float* parameters, void* memory);

/* out[i], of [n][embedding_size], is the embedding of images[indices[i]], of `stored` images. */
static inline int siamc_encode(const siamc_encoder* encoder, const uint8_t* images, int32_t stored,
                               const int32_t* indices, int32_t n, float* out);

/* ---- training -------------------------------------------------------------------------------- */

/* The tuples (pairs, triplets, or images with their classes) of a step. No tuples at all have loss
 * 0 and gradient 0. */
typedef struct siamc_batch {
    const int32_t* indices; /* of stored images: [tuples][2, 3 or 1] */
    const int32_t* shifts; /* pixels right, pixels down for each of them; NULL: none. What moves out
                            * is lost, what moves in is 0; NAME_MAX_SHIFT leaves nothing. */
    const float* labels; /* per pair: 1 same class, 0 different; per image of a batch: its class, a
                          * whole number from 0 to 16777215, of those that the loss knows if it
                          * knows so many; NULL for triplets */
    int32_t tuples;      /* at most NAME_BATCH, in siamc_evaluate at most NAME_EVALUATION_BATCH */
} siamc_batch;

/* Of a step or an evaluation. The arrays lie in the arena, valid until it is used again. */
typedef struct siamc_results {
    double loss;                               /* mean over the batch */
    const float* losses;                       /* per tuple */
    const float* distances[SIAMC_MAX_OUTPUTS]; /* per tuple. Pair: D; triplet: D(a, p), D(a, n);
                                                * of a batch: none */
} siamc_results;

/* A trainer's memory. Gradient and moments are 0 at the start. */
typedef struct siamc_buffers {
    float *parameters, *gradient;      /* [parameter_floats] */
    float* moments[SIAMC_MAX_MOMENTS]; /* as many as the optimiser has, likewise; others NULL */
    void* arena;                       /* [arena_bytes] */
} siamc_buffers;

/* Whose optimisers: they differ in where epsilon stands, in defaults, and in momentum. */
enum siamc_semantics { SIAMC_KERAS, SIAMC_PYTORCH };

typedef struct siamc_trainer {
    const siamc_model* model;
    const siamc_loss* loss;
    const siamc_optimizer* optimizer;
    siamc_buffers buffers;
    const uint8_t* images;
    int32_t stored;
    int32_t semantics; /* enum siamc_semantics; Keras' at first */
    int64_t steps;     /* of the optimiser so far: corrects the bias of Adam's moments */
    uint32_t
        seed; /* of what dropout leaves out, which is another in each step anyway; 0 at first */
} siamc_trainer;

/* optimizer NULL: gradients alone. */
static inline int siamc_trainer_open(siamc_trainer* trainer, const siamc_model* model,
                                     const char* loss, const char* optimizer,
                                     const siamc_buffers* buffers);

/* Whose images the batches of the next steps show. */
static inline int siamc_trainer_set_images(siamc_trainer* trainer, const uint8_t* images,
                                           int32_t stored);

/* Loss of a batch, and its gradient with respect to the parameters, into buffers.gradient (of
 * statistics their step: siamc_model.statistic_floats). */
static inline int siamc_trainer_gradient(siamc_trainer* trainer, const siamc_batch* batch,
                                         siamc_results* results);

/* The optimiser's step along buffers.gradient. */
static inline int siamc_trainer_update(siamc_trainer* trainer, double rate);

/* Both, sharing the work out once: a step of training. */
static inline int siamc_trainer_step(siamc_trainer* trainer, double rate, const siamc_batch* batch,
                                     siamc_results* results);

/* Loss and distances of tuples of embeddings: `stored` of them, [stored][embedding_size].
 * `parameters` may be NULL where neither loss nor distance has any; so below. */
static inline int siamc_evaluate(const siamc_model* model, const siamc_loss* loss,
                                 const float* parameters, const float* embeddings, int32_t stored,
                                 const siamc_batch* batch, void* arena, siamc_results* results);

/* out[p] is the distance of embeddings pairs[2 p] and pairs[2 p + 1], of `stored` of them. `arena`:
 * [arena_bytes]. */
static inline int siamc_distances(const siamc_model* model, const float* parameters,
                                  const float* embeddings, int32_t stored, const int32_t* pairs,
                                  int32_t n, float* out, void* arena);

/* ---- in one call ----------------------------------------------------------------------------- */

/* Without a context, for who embeds or trains rarely: siamc_encoder_open and siamc_encode, in
 * `arena` [arena_bytes]. */
static inline int siamc_embed(const siamc_model* model, const float* parameters,
                              const uint8_t* images, int32_t stored, const int32_t* indices,
                              int32_t n, float* out, void* arena);

/* siamc_trainer_gradient. */
static inline int siamc_gradient(const siamc_loss* loss, const float* parameters,
                                 const uint8_t* images, int32_t stored, const siamc_batch* batch,
                                 float* gradient, void* arena, siamc_results* results);

#ifdef __cplusplus
}
#endif

#include "internal/run.h"

#endif
