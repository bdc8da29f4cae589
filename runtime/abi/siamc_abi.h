/* What a generated library and its callers agree on. Plain C11, also valid C++.
 *
 * A library holds kernels (compiled functions on buffers) and programs: which kernels to call, in
 * which order, on which boxes of which memory. siamc_run.h runs them.
 *
 * Floats are IEEE single precision; images are bytes as stored on disk. */
#ifndef SIAMC_ABI_H
#define SIAMC_ABI_H

#include <stdint.h>

#define SIAMC_ABI_VERSION 5
#define SIAMC_MAX_DIMS 5
#define SIAMC_MAX_OPERANDS 12
#define SIAMC_MAX_OUTPUTS 4
#define SIAMC_HYPERPARAMETERS 8
#define SIAMC_MAX_MOMENTS 2
#define SIAMC_MAX_VARIANTS 4

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
    /* Tables for many steps, for programs that run on a device (siamc_device.h). */
    SIAMC_ROWS_TABLE,
    SIAMC_SHIFTS_TABLE,
    SIAMC_LABELS_TABLE,
    SIAMC_HYPER_TABLE,
    SIAMC_RESULTS,
    SIAMC_SPACES
};

/* What the last dimension of a tensor counts. */
enum siamc_rows {
    SIAMC_NO_ROWS,
    SIAMC_IMAGE_ROWS, /* the batch's images, each once a slice */
    SIAMC_TUPLE_ROWS,
    SIAMC_STORED_ROWS, /* the data set's images or embeddings */
    SIAMC_SLICE_ROWS,
    SIAMC_ROW_KINDS
};

/* A box inside a tensor, as a kernel sees it. */
typedef struct siamc_operand {
    uint8_t space;                /* enum siamc_space */
    uint8_t type_code, type_bits; /* as in halide_type_t */
    uint8_t dimensions;
    uint8_t rows; /* enum siamc_rows: the last extent is that of a call */
    int32_t extent[SIAMC_MAX_DIMS], stride[SIAMC_MAX_DIMS]; /* elements, innermost first */
    int64_t offset;                                         /* bytes from the start of the space */
    int64_t task_stride; /* bytes between the boxes of consecutive tasks */
    int64_t row_stride;  /* bytes between rows, of which each slice has its own */
} siamc_operand;

typedef int (*siamc_kernel)(void** arguments);

/* An instruction set that a library holds kernels for. */
typedef struct siamc_variant {
    const char* name;         /* "avx512", "avx2", "sse41", "neon" */
    const char* target;       /* as Halide spells it */
    const uint64_t* features; /* that a processor needs: for halide_can_use_target_features */
} siamc_variant;

typedef struct siamc_variants {
    int32_t count, feature_words;
    const siamc_variant* list; /* best first */
    int32_t* chosen;           /* 0: not yet; see siamc_choose */
} siamc_variants;

typedef struct siamc_call {
    siamc_kernel kernel[SIAMC_MAX_VARIANTS]; /* in the order of the variants */
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

/* Calls whose tasks run in parallel. A task takes one slice through all of them (by_slices), or it
 * is one of `tasks` that go through all of them; or (0) each call has its own tasks. */
typedef struct siamc_stage {
    int32_t calls, by_slices, tasks;
} siamc_stage;

/* On a device: copies a batch from the tables into the arena, or its results from there. Arguments:
 * the inputs; then the batch's first tuple in the tables, its tuples and the step as int32_t; then
 * the outputs. A table's last extent is 0 here: it has as many lines as it has. */
typedef struct siamc_transfer {
    siamc_kernel kernel;
    const char* name;
    const siamc_operand* operands;
    int32_t inputs, outputs;
} siamc_transfer;

/* One entry point: its calls stage by stage. */
typedef struct siamc_program {
    const char* name;
    const siamc_variants* variants; /* NULL: kernels have one */
    int32_t branches;               /* images per tuple: 1 image, 2 pair, 3 triplet */
    int32_t batch;                  /* the most tuples at once */
    int32_t slice_tuples;           /* at most; see siamc_slice_tuples */
    int32_t tuple_quantum;          /* tuples are padded to a multiple of this */
    int64_t arena_bytes;
    int64_t row_bytes;                  /* of a stored image or embedding; 0: reads none */
    int64_t first_images_offset;        /* in the arena, as those below; -1: none */
    int64_t rows_offset, shifts_offset; /* per image: see siamc_batch */
    int64_t places_offset;              /* [branches] per tuple: image rows, counted in its slice */
    int64_t label_offset, weight_offset;
    int64_t multiply_adds; /* of an image forward or, in training, forward and backward */
    const siamc_call* calls;
    const siamc_stage* stages;
    int32_t stage_count;
    siamc_output outputs[SIAMC_MAX_OUTPUTS];
    int32_t output_count;
    const siamc_transfer *load, *store; /* on a device; else NULL */
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

struct halide_device_interface_t;

typedef struct siamc_model {
    int32_t abi_version;
    const char *name, *target, *hash; /* hash: of graphs, plans and target, 16 hexadecimal digits */
    const char* parameter_hash;       /* of the parameters' names, shapes and order, as many */
    const siamc_variants* variants;
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
    const char* device; /* "cuda", "opencl": for siamc_device.h; NULL: for siamc_run.h */
    const struct halide_device_interface_t* (*device_interface)(void);
} siamc_model;

/* The tuples of a step. Rows are interleaved: images of tuple t are rows branches * t + branch. No
 * tuples at all have loss 0 and gradient 0. */
typedef struct siamc_batch {
    const int32_t* rows;   /* index of each row's image */
    const int32_t* shifts; /* pixels right, pixels down per row; NULL: none */
    const float* labels;   /* per pair: 1 same class, 0 different; NULL for triplets */
    int32_t tuples;
} siamc_batch;

#endif
