/* What callers may have got wrong: found before anything is read or written. */
#ifndef SIAMC_INTERNAL_CHECK_H
#define SIAMC_INTERNAL_CHECK_H

#include "execute.h"

static inline int siamc_aligned(const void* memory, uintptr_t bytes) {
    return (uintptr_t)memory % bytes == 0;
}

static inline int siamc_check_floats(const void* floats) {
    if (!floats) return SIAMC_NULL_ARGUMENT;
    return siamc_aligned(floats, sizeof(float)) ? 0 : SIAMC_UNALIGNED;
}

static inline int siamc_check_memory(const void* memory) {
    if (!memory) return SIAMC_NULL_ARGUMENT;
    return siamc_aligned(memory, SIAMC_ALIGNMENT) ? 0 : SIAMC_UNALIGNED;
}

/* That the model is this header's and runs on this processor. */
static inline int siamc_check_model(const siamc_model* model) {
    int32_t chosen;
    if (!model) return SIAMC_NULL_ARGUMENT;
    if (model->abi_version != SIAMC_ABI_VERSION) return SIAMC_OTHER_ABI;
    if (model->device) return SIAMC_OTHER_PROCESSOR;
    chosen = siamc_choose(model->library);
    return chosen < 0 ? chosen : 0;
}

static inline int siamc_check_indices(const int32_t* indices, int64_t count, int32_t stored) {
    int64_t i;
    if (count > 0 && !indices) return SIAMC_NULL_ARGUMENT;
    for (i = 0; i < count; ++i)
        if ((uint32_t)indices[i] >= (uint32_t)stored) return SIAMC_INDEX_OUTSIDE;
    return 0;
}

/* Kernels count the values of the data set with 31 bits. */
static inline int siamc_check_stored(int32_t stored, int64_t values_each) {
    if (stored < 0) return SIAMC_NEGATIVE_COUNT;
    return values_each > 0 && stored > INT32_MAX / values_each ? SIAMC_TOO_LARGE : 0;
}

/* Classes are compared as floats, and below 0 are images that pad the batch. NaN is refused. */
static inline int siamc_check_classes(const float* classes, int32_t count, int32_t known) {
    int32_t i;
    for (i = 0; i < count; ++i)
        if (!(classes[i] >= 0 && classes[i] < (float)known) ||
            classes[i] != (float)(int32_t)classes[i])
            return SIAMC_BAD_CLASS;
    return 0;
}

/* That the batch fits the program, and the data set the batch. */
static inline int siamc_check_batch(const siamc_program* program, const siamc_batch* batch,
                                    const void* dataset, int32_t stored) {
    if (!batch) return SIAMC_NULL_ARGUMENT;
    if (batch->tuples < 0) return SIAMC_NEGATIVE_COUNT;
    if (batch->tuples > program->batch) return SIAMC_TOO_MANY_TUPLES;
    if (batch->tuples > 0 && (!dataset || (program->label_offset >= 0 && !batch->labels)))
        return SIAMC_NULL_ARGUMENT;
    if (program->classes > 0) {
        const int error = siamc_check_classes(batch->labels, batch->tuples, program->classes);
        if (error) return error;
    }
    return siamc_check_indices(batch->indices, (int64_t)program->branches * batch->tuples, stored);
}

static inline const char* siamc_error_text(int error) {
    switch (error) {
        case 0:
            return "no error";
        case SIAMC_NO_VARIANT:
            return "this processor can run none of the library's instruction sets";
        case SIAMC_UNKNOWN_VARIANT:
            return "the library holds no instruction set of the name in SIAMC_VARIANT";
        case SIAMC_UNUSABLE_VARIANT:
            return "this processor cannot run the instruction set that SIAMC_VARIANT names";
        case SIAMC_OTHER_ABI:
            return "the library is of another release than the program's header";
        case SIAMC_NULL_ARGUMENT:
            return "memory that is needed is NULL";
        case SIAMC_UNALIGNED:
            return "an arena does not start on SIAMC_ALIGNMENT bytes, or floats not on 4";
        case SIAMC_TOO_MANY_TUPLES:
            return "the batch has more tuples than the library was compiled for";
        case SIAMC_NEGATIVE_COUNT:
            return "a count is negative, or of threads 0";
        case SIAMC_INDEX_OUTSIDE:
            return "an index names no stored image";
        case SIAMC_UNKNOWN_NAME:
            return "the model has no loss or optimiser of that name";
        case SIAMC_OTHER_PROCESSOR:
            return "the library is for a device and the function for processors, or the other way";
        case SIAMC_TOO_MANY_THREADS:
            return "more threads than SIAMC_MAX_THREADS";
        case SIAMC_NOT_OPEN:
            return "the trainer has no optimiser, or no images yet";
        case SIAMC_BAD_RATE:
            return "the learning rate is no finite number";
        case SIAMC_OUT_OF_MEMORY:
            return "not enough memory";
        case SIAMC_TOO_LARGE:
            return "more than 2147483647 stored values, or 2 GiB in one piece on a device";
        case SIAMC_BAD_CLASS:
            return "a class is no whole number from 0 to 16777215, or none that the loss knows";
        default:
            return "a kernel failed";
    }
}

#endif
