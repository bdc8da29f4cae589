/* The tables of a library: kernels (compiled functions on buffers) and programs, which say what
 * kernels to call, in which order, on which boxes of which memory. The compiler writes them into
 * the archive as they stand here, for targets of 64 bits. Programs use siamc.h alone. */
#ifndef SIAMC_INTERNAL_TABLES_H
#define SIAMC_INTERNAL_TABLES_H

#include "../siamc.h"

#define SIAMC_MAX_OPERANDS 12
#define SIAMC_MAX_STAGES 256 /* of a program */
#define SIAMC_MAX_VARIANTS 4
#define SIAMC_HYPERPARAMETERS 8

enum siamc_space {
    SIAMC_ARENA,
    SIAMC_PARAMETERS,
    SIAMC_GRADIENT,
    SIAMC_DATASET, /* stored images or embeddings */
    SIAMC_MOMENT1,
    SIAMC_MOMENT2,
    SIAMC_HYPER,
    /* Tables for many steps, for programs that run on a device (siamc_device.h). */
    SIAMC_INDICES_TABLE,
    SIAMC_SHIFTS_TABLE,
    SIAMC_LABELS_TABLE,
    SIAMC_HYPER_TABLE,
    SIAMC_RESULTS,
    SIAMC_SPACES
};

/* What the last dimension of a tensor counts, where its extent is known in a call alone. */
enum siamc_axis {
    SIAMC_FIXED,
    SIAMC_IMAGES, /* of the batch, each once a slice */
    SIAMC_TUPLES,
    SIAMC_STORED, /* images or embeddings of the data set */
    SIAMC_SLICES,
    SIAMC_BATCH_IMAGES, /* all images of the batch, for each slice */
    SIAMC_ALL_SLICES,   /* all slices, for each of them */
    /* Where the backward pass skips tuples without a gradient (internal/active.h): */
    SIAMC_ACTIVE_TUPLES, /* tuples of the slice that have one */
    SIAMC_ACTIVE_IMAGES, /* images that these show, in whole register tiles */
    SIAMC_SUMMED,        /* those of all slices together */
    SIAMC_AXES
};

/* A box inside a tensor, as a kernel sees it. */
typedef struct siamc_operand {
    uint8_t space;                /* enum siamc_space */
    uint8_t type_code, type_bits; /* as in halide_type_t */
    uint8_t dimensions;
    uint8_t axis;                                           /* enum siamc_axis */
    uint8_t reserved[3];                                    /* 0: the compiler writes each byte */
    int32_t extent[SIAMC_MAX_DIMS], stride[SIAMC_MAX_DIMS]; /* elements, innermost first */
    int64_t offset;                                         /* bytes from the start of the space */
    int64_t task_stride; /* bytes between the boxes of consecutive tasks */
    int64_t row_stride;  /* bytes between rows, of which each slice has its own */
} siamc_operand;

typedef int (*siamc_kernel)(void** arguments);

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
    int32_t forward_calls; /* after so many, a slice lists its active tuples; 0: it lists none */
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
struct siamc_program {
    const char* name;
    const siamc_library* library;
    int32_t branches;      /* images per tuple: 1 image, 2 pair, 3 triplet */
    int32_t batch;         /* the most tuples at once */
    int32_t slice_tuples;  /* at most; see siamc_slice_tuples */
    int32_t tuple_quantum; /* tuples are padded to a multiple of this */
    int64_t arena_bytes;
    int64_t stored_bytes;                  /* of a stored image or embedding; 0: reads none */
    int64_t first_images_offset;           /* in the arena, as those below; -1: none */
    int64_t indices_offset, shifts_offset; /* per image of the batch: see siamc_batch */
    int64_t members_offset;                /* [branches] per tuple: which images of its slice */
    int64_t label_offset, sample_weight_offset;
    int64_t ordinals_offset; /* of each image: its row in the batch */
    int64_t noise_offset;    /* of each image: random bits of the step (siamc_noise) */
    /* Flags of tuples, and what is listed from them (internal/active.h). */
    int64_t active_offset, active_counts_offset;
    int64_t active_tuples_offset, active_places_offset, active_images_offset;
    int64_t summed_images_offset, summed_adjoints_offset;
    int64_t multiply_adds; /* of an image forward or, in training, forward and backward */
    const siamc_call* calls;
    const siamc_stage* stages;
    int32_t stage_count;
    int32_t prologue_stages; /* the first ones, which read parameters alone */
    siamc_output outputs[SIAMC_MAX_OUTPUTS];
    int32_t output_count;
    int32_t classes; /* the labels are classes below this; 0: they are not classes */
    int32_t reads_parameters;
    int32_t least_slice_tuples;         /* see siamc_slice_tuples */
    const siamc_transfer *load, *store; /* on a device; else NULL */
};

/* How the kernel's hyper-parameter follows from rate r and step t:
 * value * r^rate * (1 - beta1^t)^correction1 * sqrt(1 - beta2^t)^correction2. Powers are -1, 0, 1.
 */
typedef struct siamc_hyper_rule {
    double value, beta1, beta2;
    int32_t rate, correction1, correction2;
    int32_t reserved;
} siamc_hyper_rule;

struct siamc_optimizer {
    const char* name;
    const siamc_program* program;
    const siamc_hyper_rule* rules; /* [semantics][hyper_count] */
    int32_t hyper_count;
    int32_t moments; /* flat buffers of state, zero at the start */
};

/* ---- what all programs of a library share -------------------------------------------------------
 */

/* Needed beside what Halide's own test asks the processor for. */
enum siamc_need { SIAMC_NEEDS_AVX = 1, SIAMC_NEEDS_AVX512 = 2, SIAMC_NEEDS_ZEN4 = 4 };

/* An instruction set that a library holds kernels for. */
typedef struct siamc_variant {
    const char* name;         /* "avx512", "avx2", "sse41", "neon" */
    const char* target;       /* as Halide spells it */
    const uint64_t* features; /* that a processor needs, as Halide counts them */
    int32_t feature_words;
    int32_t needs; /* enum siamc_need, added up */
} siamc_variant;

/* halide_buffer_t and what is in it, with the names of C alone. */
typedef struct siamc_extent {
    int32_t min, extent, stride;
    uint32_t flags;
} siamc_extent;

typedef struct siamc_tensor {
    uint64_t device;
    const void* device_interface;
    uint8_t* host;
    uint64_t flags;
    uint8_t type_code, type_bits;
    uint16_t type_lanes;
    int32_t dimensions;
    siamc_extent* dim;
    void* padding;
} siamc_tensor;

/* Hears why a device failed; Halide's own prints it and ends the program. */
typedef void (*siamc_error_handler)(void* user, const char* message);

/* What the archive's copy of Halide's runtime does, reached through this table, so that its names
 * can stay hidden. The last are NULL where there is no device. */
typedef struct siamc_functions {
    int (*parallel_for)(void* user, int (*task)(void*, int, uint8_t*), int first, int count,
                        uint8_t* closure);
    int (*get_threads)(void);
    int (*set_threads)(int threads);
    void (*stop_threads)(void);
    int (*can_use_features)(int words, const uint64_t* features);
    const void* (*device_interface)(void);
    int (*device_malloc)(void* user, siamc_tensor* tensor, const void* device_interface);
    int (*device_free)(void* user, siamc_tensor* tensor);
    int (*copy_to_device)(void* user, siamc_tensor* tensor, const void* device_interface);
    int (*copy_to_host)(void* user, siamc_tensor* tensor);
    int (*device_crop)(void* user, const siamc_tensor* tensor, siamc_tensor* part);
    int (*release_crop)(void* user, siamc_tensor* part);
    siamc_error_handler (*set_error_handler)(siamc_error_handler handler);
} siamc_functions;

/* What a library remembers: settings of its user, and what was found out when it was first used. */
typedef struct siamc_state {
    int32_t variant;      /* siamc_choose; 0: not yet */
    int32_t spin;         /* of siamc_set_spin, and 1; 0: SIAMC_SPIN */
    int32_t fork_guarded; /* siamc_guard_fork */
    int32_t reserved;
    siamc_parallel_for loop; /* NULL: Halide's threads */
    void* loop_user;
    const siamc_library* next_guarded;
} siamc_state;

struct siamc_library {
    const siamc_functions* functions;
    siamc_state* state;
    const siamc_variant* variants; /* best first */
    int32_t variant_count;
    int32_t reserved;
};

#endif
