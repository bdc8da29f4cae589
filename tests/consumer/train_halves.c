/* Trains a network on made-up pictures, with nothing but C and the library that siamc makes of
 * halves.toml. Prints the loss of each step; fails unless it halves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "halves.h"

enum { SIDE = 12, IMAGES = 64, PAIRS = 32, STEPS = 10 };

static uint32_t random_below(uint32_t n) {
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

/* Image i is grey noise, brighter on the left if i is even, on the right if it is odd. */
static void draw_images(uint8_t images[IMAGES][SIDE][SIDE]) {
    for (int i = 0; i < IMAGES; ++i)
        for (int y = 0; y < SIDE; ++y)
            for (int x = 0; x < SIDE; ++x) {
                const int bright = (x < SIDE / 2) == (i % 2 == 0);
                images[i][y][x] = (uint8_t)(random_below(128) + (bright ? 128 : 0));
            }
}

/* Half of the pairs are of one class. */
static void draw_pairs(int32_t indices[PAIRS][2], float labels[PAIRS]) {
    for (int p = 0; p < PAIRS; ++p) {
        indices[p][0] = (int32_t)random_below(IMAGES);
        indices[p][1] = 2 * (int32_t)random_below(IMAGES / 2) + (indices[p][0] + p) % 2;
        labels[p] = p % 2 ? 0.0f : 1.0f;
    }
}

/* Cleared memory for that many bytes; ends the program if there is none. */
static void* allocate(size_t bytes) {
    const size_t whole = (bytes + SIAMC_ALIGNMENT - 1) / SIAMC_ALIGNMENT * SIAMC_ALIGNMENT;
    void* memory = aligned_alloc(SIAMC_ALIGNMENT, whole);
    if (!memory) {
        fputs("train_halves: out of memory\n", stderr);
        exit(1);
    }
    return memset(memory, 0, whole);
}

static float* flat_buffer(void) {
    return allocate(HALVES_PARAMETER_FLOATS * sizeof(float));
}

/* Small random kernels; biases stay 0. */
static void initialize(float* parameters) {
    for (int t = 0; t < halves_model.parameter_tensors; ++t) {
        const siamc_parameter* tensor = &halves_model.parameters[t];
        if (tensor->dimensions != 2) continue;
        for (int i = 0; i < tensor->dims[0] * tensor->dims[1]; ++i)
            parameters[tensor->offset + i] = 0.4f * ((float)random_below(2001) / 1000 - 1);
    }
}

int main(void) {
    static uint8_t images[IMAGES][SIDE][SIDE];
    static int32_t indices[PAIRS][2];
    static float labels[PAIRS];
    const siamc_batch batch = {&indices[0][0], NULL, labels, PAIRS};
    const siamc_buffers buffers = {
        flat_buffer(), flat_buffer(), {flat_buffer()}, allocate(HALVES_ARENA_BYTES)};
    siamc_trainer trainer;
    double first = 0, last = 0;
    int error = siamc_trainer_open(&trainer, &halves_model, "contrastive", "sgd", &buffers);
    draw_images(images);
    initialize(buffers.parameters);
    if (!error) error = siamc_trainer_set_images(&trainer, &images[0][0][0], IMAGES);
    for (int step = 1; step <= STEPS; ++step) {
        siamc_results results;
        draw_pairs(indices, labels);
        if (!error) error = siamc_trainer_step(&trainer, 0.3, &batch, &results);
        if (error) {
            fprintf(stderr, "train_halves: step %d: %s\n", step, siamc_error_text(error));
            return 1;
        }
        printf("step %d loss %.6f\n", step, results.loss);
        last = results.loss;
        if (step == 1) first = last;
    }
    if (!(last < first / 2)) {
        fputs("train_halves: the loss did not halve\n", stderr);
        return 1;
    }
    return 0;
}
