/* A batch's active tuples: those whose loss has a gradient (generators/layers/active_tuples.h).
 * Each slice lists its own between its forward and its backward calls; the last of them joins the
 * lists. */
#ifndef SIAMC_INTERNAL_ACTIVE_H
#define SIAMC_INTERNAL_ACTIVE_H

#include <string.h>

#include "tables.h"

#define SIAMC_MAX_SLICE_IMAGES 64

/* The part of each axis that a kernel is called with. */
typedef struct siamc_range {
    int32_t first[SIAMC_AXES], count[SIAMC_AXES];
} siamc_range;

static inline int32_t* siamc_ints(void* arena, int64_t offset) {
    return (int32_t*)(void*)((uint8_t*)arena + offset);
}

/* The images that the listed tuples show, in the order in which the slice has them, and what tuples
 * show as places among these. */
static inline int32_t siamc_list_images_of(const int32_t* tuples, int32_t tuple_count,
                                           const int32_t* members, int32_t branches, int32_t images,
                                           int32_t* listed, int32_t* places) {
    int32_t at[SIAMC_MAX_SLICE_IMAGES]; /* place among the listed; -1: not listed */
    int32_t t, b, i, count = 0;
    memset(at, 0xFF, sizeof at);
    for (t = 0; t < tuple_count; ++t)
        for (b = 0; b < branches; ++b) at[members[branches * tuples[t] + b]] = 0;
    for (i = 0; i < images; ++i) {
        if (at[i] < 0) continue;
        at[i] = count;
        listed[count++] = i;
    }
    for (t = 0; t < tuple_count; ++t)
        for (b = 0; b < branches; ++b)
            places[branches * t + b] = at[members[branches * tuples[t] + b]];
    return count;
}

/* Lists end in whole register tiles: the last image again, as whose adjoint nothing is added up. */
static inline void siamc_list_active(const siamc_program* p, void* arena, int32_t slice,
                                     siamc_range* range) {
    const int32_t first_tuple = range->first[SIAMC_TUPLES];
    const int32_t first_image = range->first[SIAMC_IMAGES];
    const int32_t* flags = siamc_ints(arena, p->active_offset) + first_tuple;
    int32_t* tuples = siamc_ints(arena, p->active_tuples_offset) + first_tuple;
    int32_t* images = siamc_ints(arena, p->active_images_offset) + first_image;
    int32_t t, count = 0, image_count;
    for (t = 0; t < range->count[SIAMC_TUPLES]; ++t)
        if (flags[t]) tuples[count++] = t;
    image_count = siamc_list_images_of(
        tuples, count, siamc_ints(arena, p->members_offset) + p->branches * first_tuple,
        p->branches, range->count[SIAMC_IMAGES], images,
        siamc_ints(arena, p->active_places_offset) + p->branches * first_tuple);
    for (; image_count % p->tuple_quantum != 0; ++image_count)
        images[image_count] = images[image_count - 1];
    range->first[SIAMC_ACTIVE_TUPLES] = first_tuple;
    range->count[SIAMC_ACTIVE_TUPLES] = count;
    range->first[SIAMC_ACTIVE_IMAGES] = first_image;
    range->count[SIAMC_ACTIVE_IMAGES] = image_count;
    siamc_ints(arena, p->active_counts_offset)[slice] = image_count;
}

/* Active images of all slices, for the sums over the batch: their rows among all images, and those
 * of their adjoints, which each slice has where its images begin. A network of convolutions alone
 * has no such sums, and neither list. */
static inline void siamc_join_lists(const siamc_program* p, void* arena,
                                    int32_t counts[SIAMC_AXES]) {
    const int32_t* first = siamc_ints(arena, p->first_images_offset);
    const int32_t* listed = siamc_ints(arena, p->active_counts_offset);
    const int32_t* active = siamc_ints(arena, p->active_images_offset);
    int32_t* images =
        p->summed_images_offset < 0 ? NULL : siamc_ints(arena, p->summed_images_offset);
    int32_t* adjoints =
        p->summed_adjoints_offset < 0 ? NULL : siamc_ints(arena, p->summed_adjoints_offset);
    int32_t slice, i, count = 0;
    for (slice = 0; slice < counts[SIAMC_SLICES]; ++slice)
        for (i = 0; i < listed[slice]; ++i, ++count) {
            if (adjoints) adjoints[count] = first[slice] + i;
            if (images) images[count] = first[slice] + active[first[slice] + i];
        }
    counts[SIAMC_ACTIVE_TUPLES] = counts[SIAMC_TUPLES];
    counts[SIAMC_ACTIVE_IMAGES] = counts[SIAMC_IMAGES];
    counts[SIAMC_SUMMED] = count;
}

#endif
