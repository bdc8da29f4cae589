/* A batch on its way into the arena, and its results on their way out. */
#ifndef SIAMC_INTERNAL_BATCH_H
#define SIAMC_INTERNAL_BATCH_H

#include "execute.h"

#define SIAMC_TABLE_BITS 7 /* twice as many places as a slice has images, and more */
#define SIAMC_TABLE (1 << SIAMC_TABLE_BITS)

typedef struct siamc_images {
    int32_t *index, *shift; /* in the arena; shift NULL: the program knows none */
    int32_t* noise;         /* likewise */
    uint32_t seed;
    int32_t count;
    int32_t table[SIAMC_TABLE]; /* the slice's images by their hash, -1: none */
} siamc_images;

/* lowbias32: see layers/dropout.cpp, of which this is the other half. */
static inline uint32_t siamc_hash(uint32_t x) {
    x = (x ^ x >> 16) * 0x7FEB352Du;
    x = (x ^ x >> 15) * 0x846CA68Bu;
    return x ^ x >> 16;
}

/* Random bits of an image in a step: the same wherever the step shows it. */
static inline uint32_t siamc_noise(uint32_t seed, int32_t index, const int32_t shift[2]) {
    return siamc_hash(
        siamc_hash(siamc_hash(siamc_hash(seed) ^ (uint32_t)index) ^ (uint32_t)shift[0]) ^
        (uint32_t)shift[1]);
}

static inline void siamc_add_image(siamc_images* images, int32_t index, const int32_t shift[2]) {
    images->index[images->count] = index;
    if (images->noise)
        images->noise[images->count] = (int32_t)siamc_noise(images->seed, index, shift);
    if (images->shift) memcpy(images->shift + 2 * images->count, shift, 2 * sizeof *shift);
    ++images->count;
}

/* The slice's image of that index under that shift, which is added if it is new. */
static inline int32_t siamc_find_image(siamc_images* images, int32_t index,
                                       const int32_t shift[2]) {
    const uint32_t key = (uint32_t)index + 31u * (uint32_t)shift[0] + 1021u * (uint32_t)shift[1];
    uint32_t at = key * 2654435769u >> (32 - SIAMC_TABLE_BITS); /* Knuth's multiplicative hash */
    for (; images->table[at] >= 0; at = (at + 1) % SIAMC_TABLE) {
        const int32_t image = images->table[at];
        if (images->index[image] == index &&
            (!images->shift || !memcmp(images->shift + 2 * image, shift, 2 * sizeof *shift)))
            return image;
    }
    images->table[at] = images->count;
    siamc_add_image(images, index, shift);
    return images->table[at];
}

/* Lists the images that each slice computes and, where tuples compare them, which of them each
 * tuple shows: an image that a slice's tuples show several times is computed once. Tuples that pad
 * the batch show its first image. Slices end in whole register tiles, perhaps with an image that no
 * tuple shows, whose gradient is therefore 0. */
static inline void siamc_list_images(siamc_run* run, const siamc_program* p,
                                     const siamc_batch* batch, uint32_t seed) {
    static const int32_t unmoved[2] = {0, 0};
    uint8_t* arena = (uint8_t*)run->base[SIAMC_ARENA];
    int32_t* first = (int32_t*)(void*)(arena + p->first_images_offset);
    int32_t* member = p->members_offset < 0 ? NULL : (int32_t*)(void*)(arena + p->members_offset);
    const int32_t tuples = run->counts[SIAMC_TUPLES], slices = run->counts[SIAMC_SLICES];
    const int32_t real = p->branches * batch->tuples;
    const int32_t slice_branches = p->branches * siamc_slice_tuples(p, tuples);
    siamc_images images;
    int32_t slice, b;
    images.index = (int32_t*)(void*)(arena + p->indices_offset);
    images.shift = p->shifts_offset < 0 ? NULL : (int32_t*)(void*)(arena + p->shifts_offset);
    images.noise = p->noise_offset < 0 ? NULL : (int32_t*)(void*)(arena + p->noise_offset);
    images.seed = seed;
    images.count = 0;
    for (slice = 0; slice < slices; ++slice) {
        first[slice] = images.count;
        memset(images.table, 0xFF, sizeof images.table);
        for (b = slice * slice_branches;
             b < (slice + 1) * slice_branches && b < p->branches * tuples; ++b) {
            const int32_t shown = b < real ? b : 0;
            const int32_t* shift = batch->shifts ? batch->shifts + 2 * shown : unmoved;
            if (member)
                member[b] = siamc_find_image(&images, batch->indices[shown], shift) - first[slice];
            else
                siamc_add_image(&images, batch->indices[shown], shift);
        }
        while (images.count % p->tuple_quantum != 0)
            siamc_add_image(&images, batch->indices[0], unmoved);
    }
    first[slices] = run->counts[SIAMC_IMAGES] = images.count;
    run->counts[SIAMC_BATCH_IMAGES] = images.count;
}

/* Copies the batch into the arena and pads it to whole register tiles. A padding tuple weighs
 * nothing, so it adds exactly 0 to every gradient. */
static inline void siamc_prepare_batch(siamc_run* run, const siamc_program* p,
                                       const siamc_batch* batch, uint32_t seed) {
    uint8_t* arena = (uint8_t*)run->base[SIAMC_ARENA];
    const int32_t quantum = p->tuple_quantum < p->batch ? p->tuple_quantum : p->batch;
    const int32_t tuples = (batch->tuples + quantum - 1) / quantum * quantum;
    const int32_t slice_tuples = siamc_slice_tuples(p, tuples);
    int32_t t;
    run->counts[SIAMC_TUPLES] = tuples;
    run->counts[SIAMC_SLICES] = tuples ? (tuples + slice_tuples - 1) / slice_tuples : 0;
    run->counts[SIAMC_ALL_SLICES] = run->counts[SIAMC_SLICES];
    siamc_list_images(run, p, batch, seed);
    if (p->label_offset >= 0) {
        float* label = (float*)(void*)(arena + p->label_offset);
        for (t = 0; t < tuples; ++t) label[t] = t < batch->tuples ? batch->labels[t] : -1.0f;
    }
    if (p->ordinals_offset >= 0) {
        int32_t* ordinal = (int32_t*)(void*)(arena + p->ordinals_offset);
        for (t = 0; t < tuples; ++t) ordinal[t] = t;
    }
    if (p->sample_weight_offset >= 0) {
        float* weight = (float*)(void*)(arena + p->sample_weight_offset);
        for (t = 0; t < tuples; ++t)
            weight[t] = t < batch->tuples ? 1.0f / (float)batch->tuples : 0.0f;
    }
}

static inline const float* siamc_output_of(const siamc_program* program, const void* arena,
                                           int32_t output) {
    return (const float*)(const void*)((const uint8_t*)arena + program->outputs[output].offset);
}

static inline void siamc_collect(const siamc_program* program, const void* arena, int32_t tuples,
                                 siamc_results* results) {
    int32_t i, t;
    results->losses = siamc_output_of(program, arena, 0);
    for (i = 1; i < program->branches; ++i)
        results->distances[i - 1] = siamc_output_of(program, arena, i);
    results->loss = 0;
    for (t = 0; t < tuples; ++t) results->loss += (double)results->losses[t];
    if (tuples > 0) results->loss /= tuples;
}

static inline void siamc_start(siamc_run* run, void* arena, const void* dataset, int32_t stored) {
    memset(run, 0, offsetof(siamc_run, caller));
    run->base[SIAMC_ARENA] = arena;
    run->base[SIAMC_DATASET] = (void*)(uintptr_t)dataset;
    run->counts[SIAMC_STORED] = stored;
}

#endif
