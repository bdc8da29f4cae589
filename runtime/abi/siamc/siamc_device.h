/* Runs the programs of a library for a device (siamc_model.device), CUDA or OpenCL.
 *
 * Everything stays on the device: parameters, gradient, moments, stored images, and tables that say
 * for many steps which images each batch shows. A step is a series of launches; it reserves
 * no memory there and waits for nothing. Results wait in a table until the host reads it.
 *
 * Halide lets CUDA's kernels have 64 registers a thread unless the environment variable
 * HL_CUDA_JIT_MAX_REGISTERS says more: set it to 255 before the first kernel runs.
 *
 * As siamc.h otherwise: 0, an enum siamc_error, or an error of Halide's. One thread at a time may
 * use a device. */
#ifndef SIAMC_DEVICE_H
#define SIAMC_DEVICE_H

#include "siamc.h"

/* Bytes on the device. */
typedef struct siamc_memory {
    const siamc_functions* functions;
    siamc_tensor tensor; /* the bytes, in one dimension */
    siamc_extent dimension;
} siamc_memory;

/* A program with a buffer for each of its operands: of the load, of each call, of the store. */
typedef struct siamc_bound {
    const siamc_program* program;
    int32_t count;
    const siamc_operand** operands;
    siamc_tensor* tensors;
    siamc_extent* dimensions; /* SIAMC_MAX_DIMS each */
} siamc_bound;

/* What a batch's programs read and write beside the model's own memory; what a program does not use
 * may be NULL. */
typedef struct siamc_tables {
    siamc_memory *dataset, *indices, *shifts, *labels, *hyper, *results;
    int32_t stored; /* images or embeddings in the data set */
} siamc_tables;

typedef struct siamc_device {
    const siamc_model* model;
    const siamc_functions* functions;
    const void* device_interface;
    siamc_memory arena, parameters, gradient, moments[SIAMC_MAX_MOMENTS], hyper;
} siamc_device;

/* ---- memory ------------------------------------------------------------------------------- */

static inline void siamc_describe_bytes(siamc_memory* memory, const siamc_functions* functions,
                                        int64_t bytes) {
    memset(memory, 0, sizeof *memory);
    memory->functions = functions;
    memory->dimension.extent = (int32_t)bytes;
    memory->dimension.stride = 1;
    memory->tensor.type_code = 1; /* unsigned */
    memory->tensor.type_bits = 8;
    memory->tensor.type_lanes = 1;
    memory->tensor.dimensions = 1;
    memory->tensor.dim = &memory->dimension;
}

/* Less than 2 GiB. The memory must not move afterwards; siamc_release frees it. */
static inline int siamc_reserve(const siamc_device* device, siamc_memory* memory, int64_t bytes) {
    siamc_describe_bytes(memory, device->functions, bytes);
    if (bytes < 0) return SIAMC_NEGATIVE_COUNT;
    if (bytes > INT32_MAX) return SIAMC_TOO_LARGE;
    return device->functions->device_malloc(NULL, &memory->tensor, device->device_interface);
}

static inline void siamc_release(siamc_memory* memory) {
    if (memory->tensor.device) memory->functions->device_free(NULL, &memory->tensor);
}

/* As in halide_buffer_flags. */
enum { SIAMC_HOST_DIRTY = 1, SIAMC_DEVICE_DIRTY = 2 };

/* Fills all of the memory from the host. */
static inline int siamc_upload(siamc_memory* memory, const void* from) {
    int error;
    if (!from || !memory->functions) return SIAMC_NULL_ARGUMENT;
    memory->tensor.host = (uint8_t*)(uintptr_t)from;
    memory->tensor.flags = SIAMC_HOST_DIRTY;
    error =
        memory->functions->copy_to_device(NULL, &memory->tensor, memory->tensor.device_interface);
    memory->tensor.host = NULL;
    memory->tensor.flags = 0;
    return error;
}

/* Waits for what was launched, then copies all of the memory to the host. */
static inline int siamc_download(siamc_memory* memory, void* to) {
    int error;
    if (!to || !memory->functions) return SIAMC_NULL_ARGUMENT;
    memory->tensor.host = (uint8_t*)to;
    memory->tensor.flags = SIAMC_DEVICE_DIRTY;
    error = memory->functions->copy_to_host(NULL, &memory->tensor);
    memory->tensor.host = NULL;
    memory->tensor.flags = 0;
    return error;
}

/* A part of other memory, from `offset` on. */
static inline int siamc_part_of(const siamc_memory* whole, int64_t offset, int64_t bytes,
                                siamc_memory* part) {
    siamc_describe_bytes(part, whole->functions, bytes);
    part->dimension.min = (int32_t)offset;
    if (!whole->functions) return SIAMC_NULL_ARGUMENT;
    return whole->functions->device_crop(NULL, &whole->tensor, &part->tensor);
}

/* Waits for what was launched, then copies that part to the host. */
static inline int siamc_download_part(const siamc_memory* memory, int64_t offset, int64_t bytes,
                                      void* to) {
    siamc_memory part;
    int error = siamc_part_of(memory, offset, bytes, &part);
    if (error) return error;
    part.dimension.min = 0;
    error = siamc_download(&part, to);
    part.functions->release_crop(NULL, &part.tensor);
    return error;
}

/* ---- the device --------------------------------------------------------------------------- */

static inline void siamc_device_close(siamc_device* device) {
    int m;
    siamc_release(&device->arena);
    siamc_release(&device->parameters);
    siamc_release(&device->gradient);
    for (m = 0; m < SIAMC_MAX_MOMENTS; ++m) siamc_release(&device->moments[m]);
    siamc_release(&device->hyper);
}

static inline int siamc_reserve_zeros(const siamc_device* device, siamc_memory* memory,
                                      int64_t bytes) {
    void* zeros = calloc((size_t)bytes, 1);
    int error = zeros ? siamc_reserve(device, memory, bytes) : SIAMC_OUT_OF_MEMORY;
    if (!error) error = siamc_upload(memory, zeros);
    free(zeros);
    return error;
}

/* The model's memory on the device, all zeros. Close it even after an error. */
static inline int siamc_device_open(siamc_device* device, const siamc_model* model) {
    int64_t flat;
    int error, m;
    if (!device || !model) return SIAMC_NULL_ARGUMENT;
    memset(device, 0, sizeof *device);
    if (model->abi_version != SIAMC_ABI_VERSION) return SIAMC_OTHER_ABI;
    if (!model->device) return SIAMC_OTHER_PROCESSOR;
    flat = model->parameter_floats * (int64_t)sizeof(float);
    device->model = model;
    device->functions = model->library->functions;
    device->device_interface = device->functions->device_interface();
    error = siamc_reserve(device, &device->arena, model->arena_bytes);
    if (!error) error = siamc_reserve_zeros(device, &device->parameters, flat);
    if (!error) error = siamc_reserve_zeros(device, &device->gradient, flat);
    for (m = 0; m < SIAMC_MAX_MOMENTS && !error; ++m)
        error = siamc_reserve_zeros(device, &device->moments[m], flat);
    if (!error)
        error = siamc_reserve(device, &device->hyper, SIAMC_HYPERPARAMETERS * sizeof(float));
    return error;
}

/* ---- programs ----------------------------------------------------------------------------- */

/* The model's own memory of that space; NULL: it is one of siamc_tables. */
static inline siamc_memory* siamc_space_of(siamc_device* device, int space) {
    switch (space) {
        case SIAMC_ARENA:
            return &device->arena;
        case SIAMC_PARAMETERS:
            return &device->parameters;
        case SIAMC_GRADIENT:
            return &device->gradient;
        case SIAMC_MOMENT1:
            return &device->moments[0];
        case SIAMC_MOMENT2:
            return &device->moments[1];
        case SIAMC_HYPER:
            return &device->hyper;
        default:
            return NULL;
    }
}

static inline siamc_memory* siamc_table_of(const siamc_tables* tables, int space) {
    switch (space) {
        case SIAMC_DATASET:
            return tables->dataset;
        case SIAMC_INDICES_TABLE:
            return tables->indices;
        case SIAMC_SHIFTS_TABLE:
            return tables->shifts;
        case SIAMC_LABELS_TABLE:
            return tables->labels;
        case SIAMC_HYPER_TABLE:
            return tables->hyper;
        default:
            return tables->results;
    }
}

static inline int64_t siamc_line_bytes(const siamc_operand* operand) {
    return (int64_t)operand->stride[operand->dimensions - 1] * (operand->type_bits / 8);
}

static inline void siamc_list_operands(siamc_bound* bound, const siamc_operand* list,
                                       int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
        if (bound->operands) bound->operands[bound->count] = list + i;
        ++bound->count;
    }
}

/* Counts them; writes them down where there is room for them. */
static inline void siamc_list_all(siamc_bound* bound) {
    const siamc_program* program = bound->program;
    const siamc_transfer *load = program->load, *store = program->store;
    const siamc_call* call = program->calls;
    bound->count = 0;
    if (load) siamc_list_operands(bound, load->operands, load->inputs + load->outputs);
    for (int32_t s = 0; s < program->stage_count; ++s)
        for (int32_t c = 0; c < program->stages[s].calls; ++c, ++call)
            siamc_list_operands(bound, call->operands, call->operand_count);
    if (store) siamc_list_operands(bound, store->operands, store->inputs + store->outputs);
}

static inline int siamc_bind_operand(siamc_device* device, const siamc_operand* operand,
                                     siamc_tensor* tensor, siamc_extent* dims) {
    siamc_memory* whole = siamc_space_of(device, operand->space);
    if (whole) {
        siamc_memory part;
        const int error =
            siamc_part_of(whole, operand->offset, whole->dimension.extent - operand->offset, &part);
        if (error) return error;
        *tensor = part.tensor;
    }
    tensor->type_code = operand->type_code;
    tensor->type_bits = operand->type_bits;
    tensor->type_lanes = 1;
    tensor->dimensions = operand->dimensions;
    tensor->dim = dims;
    for (int32_t d = 0; d < operand->dimensions; ++d) {
        dims[d].extent = operand->extent[d];
        dims[d].stride = operand->stride[d];
    }
    return 0;
}

static inline void siamc_unbind(siamc_device* device, siamc_bound* bound) {
    for (int32_t i = 0; i < bound->count && bound->tensors; ++i)
        if (bound->tensors[i].device && siamc_space_of(device, bound->operands[i]->space))
            device->functions->release_crop(NULL, &bound->tensors[i]);
    free(bound->operands);
    free(bound->tensors);
    free(bound->dimensions);
    memset((void*)bound, 0, sizeof *bound);
}

/* Gives the program its buffers. Unbind it before the device is closed, even after an error. */
static inline int siamc_bind(siamc_device* device, const siamc_program* program,
                             siamc_bound* bound) {
    size_t count;
    int error = 0;
    memset((void*)bound, 0, sizeof *bound);
    bound->program = program;
    siamc_list_all(bound);
    count = (size_t)bound->count;
    bound->operands = (const siamc_operand**)calloc(count, sizeof *bound->operands);
    bound->tensors = (siamc_tensor*)calloc(count, sizeof *bound->tensors);
    bound->dimensions = (siamc_extent*)calloc(count * SIAMC_MAX_DIMS, sizeof *bound->dimensions);
    if (!bound->operands || !bound->tensors || !bound->dimensions) {
        bound->count = 0;
        return SIAMC_OUT_OF_MEMORY;
    }
    siamc_list_all(bound);
    for (size_t i = 0; i < count && !error; ++i)
        error = siamc_bind_operand(device, bound->operands[i], bound->tensors + i,
                                   bound->dimensions + i * SIAMC_MAX_DIMS);
    return error;
}

/* The extents of a batch of that many tuples, and the tables that it uses. */
static inline int siamc_set_extents(siamc_device* device, siamc_bound* bound,
                                    const siamc_tables* tables, int32_t tuples) {
    const int32_t quantum = bound->program->tuple_quantum;
    const int32_t padded = (tuples + quantum - 1) / quantum * quantum;
    int32_t counts[SIAMC_AXES] = {0};
    counts[SIAMC_IMAGES] = counts[SIAMC_BATCH_IMAGES] = padded * bound->program->branches;
    counts[SIAMC_TUPLES] = padded;
    counts[SIAMC_STORED] = tables->stored;
    counts[SIAMC_SLICES] = counts[SIAMC_ALL_SLICES] = 1;
    for (int32_t i = 0; i < bound->count; ++i) {
        const siamc_operand* operand = bound->operands[i];
        siamc_tensor* tensor = bound->tensors + i;
        int32_t* last = &tensor->dim[operand->dimensions - 1].extent;
        if (!siamc_space_of(device, operand->space)) {
            const siamc_memory* table = siamc_table_of(tables, operand->space);
            if (!table || !table->tensor.device) return SIAMC_NULL_ARGUMENT;
            tensor->device = table->tensor.device;
            tensor->device_interface = table->tensor.device_interface;
            if (operand->axis == SIAMC_FIXED)
                *last = (int32_t)(table->dimension.extent / siamc_line_bytes(operand));
        }
        if (operand->axis != SIAMC_FIXED) *last = counts[operand->axis];
    }
    return 0;
}

static inline int siamc_launch_transfer(const siamc_transfer* transfer, siamc_tensor* tensors,
                                        int32_t numbers[3]) {
    void* arguments[SIAMC_MAX_OPERANDS + 3];
    int32_t n = 0;
    for (int32_t i = 0; i < transfer->inputs; ++i) arguments[n++] = tensors + i;
    for (int32_t i = 0; i < 3; ++i) arguments[n++] = numbers + i;
    for (int32_t i = 0; i < transfer->outputs; ++i) arguments[n++] = tensors + transfer->inputs + i;
    return transfer->kernel(arguments);
}

/* Launches the program on `count` of the tables' tuples, from `first` on. `step`: of an optimiser,
 * the line of the table of hyper-parameters; of a model with dropout, in training, the bits of
 * siamc_trainer.seed. Does not wait. */
static inline int siamc_launch(siamc_device* device, siamc_bound* bound, const siamc_tables* tables,
                               int32_t first, int32_t count, int32_t step) {
    const siamc_program* program = bound->program;
    const siamc_call* call;
    siamc_tensor* next = bound->tensors;
    int32_t numbers[3] = {first, count, step};
    int error;
    if (!program || !tables) return SIAMC_NULL_ARGUMENT;
    if (first < 0 || count < 0 || tables->stored < 0 || (step < 0 && program->noise_offset < 0))
        return SIAMC_NEGATIVE_COUNT;
    if (count > program->batch) return SIAMC_TOO_MANY_TUPLES;
    call = program->calls;
    error = siamc_set_extents(device, bound, tables, count);
    if (program->load && !error) {
        error = siamc_launch_transfer(program->load, next, numbers);
        next += program->load->inputs + program->load->outputs;
    }
    for (int32_t s = 0; s < program->stage_count; ++s)
        for (int32_t c = 0; c < program->stages[s].calls && !error; ++c, ++call) {
            void* arguments[SIAMC_MAX_OPERANDS];
            for (int32_t i = 0; i < call->operand_count; ++i) arguments[i] = next++;
            error = call->kernel[0](arguments);
        }
    if (program->store && !error) error = siamc_launch_transfer(program->store, next, numbers);
    return error;
}

#endif
