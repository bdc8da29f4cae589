/* Embeddings of images on a device: plain C11, the library that siamc made of models/fc.toml, and
 * nothing else. To start from for other programs in C.
 *
 *   embed WEIGHTS.safetensors IMAGES.idx > EMBEDDINGS
 *
 * WEIGHTS: of a run of train_generated. IMAGES: IDX (unpacked), of the model's size. EMBEDDINGS:
 * [images][embedding_size] of float, as this machine stores them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fc.h"

enum { usage = 2, bad_data = 65, missing_input = 66, internal = 70, cannot_write = 74 };

static _Noreturn void fail(int code, const char* where, const char* what) {
    fprintf(stderr, "embed: %s: %s\n", where, what);
    exit(code);
}

typedef struct file {
    uint8_t* bytes;
    size_t size;
} file;

static file read_file(const char* name) {
    file whole = {NULL, 0};
    long size = -1;
    FILE* in = fopen(name, "rb");
    if (!in || fseek(in, 0, SEEK_END) != 0 || (size = ftell(in)) < 0 || fseek(in, 0, SEEK_SET) != 0)
        fail(missing_input, name, "cannot be read");
    whole.size = (size_t)size;
    whole.bytes = malloc(whole.size + 1); /* of an empty file too */
    if (!whole.bytes) fail(internal, name, "not enough memory");
    if (fread(whole.bytes, 1, whole.size, in) != whole.size)
        fail(missing_input, name, "cannot be read");
    fclose(in);
    return whole;
}

static void* aligned(size_t bytes) {
    const size_t whole_lines = (bytes + SIAMC_ALIGNMENT - 1) / SIAMC_ALIGNMENT * SIAMC_ALIGNMENT;
    void* memory = aligned_alloc(SIAMC_ALIGNMENT, whole_lines);
    if (!memory) fail(internal, "memory", "not enough of it");
    return memset(memory, 0, whole_lines);
}

/* ---- weights: 8 bytes with the length of a JSON header, the header, the values --------------- */

/* What follows `words` in the header's entry for a tensor; NULL if they are not there. */
static const char* after(const char* entry, const char* words) {
    const char* end = entry ? strchr(entry, '}') : NULL;
    const char* found = end ? strstr(entry, words) : NULL;
    return found && found < end ? found + strlen(words) : NULL;
}

static size_t floats_of(const siamc_parameter* parameter) {
    size_t floats = 1;
    for (int32_t d = 0; d < parameter->dimensions; ++d) floats *= (size_t)parameter->dims[d];
    return floats;
}

/* The shape as the header spells it, "[784,64]". */
static void spell_shape(const siamc_parameter* parameter, char text[64]) {
    int length = snprintf(text, 64, "[");
    for (int32_t d = 0; d < parameter->dimensions; ++d)
        length += snprintf(text + length, 64 - (size_t)length, d ? ",%d" : "%d",
                           (int)parameter->dims[d]);
    snprintf(text + length, 64 - (size_t)length, "]");
}

static void copy_tensor(const siamc_parameter* parameter, const char* header,
                        const uint8_t* values, size_t size, float* to) {
    char key[128], shape[64], spelling[96];
    const size_t bytes = floats_of(parameter) * sizeof(float);
    const char *entry, *offsets;
    size_t begin;
    snprintf(key, sizeof key, "\"%s\":{", parameter->name);
    spell_shape(parameter, shape);
    snprintf(spelling, sizeof spelling, "\"shape\":%s", shape);
    entry = strstr(header, key);
    offsets = after(entry, "\"data_offsets\":[");
    if (!offsets || !after(entry, "\"dtype\":\"F32\"") || !after(entry, spelling))
        fail(bad_data, parameter->name, "the weights have no such tensor of the model's shape");
    begin = strtoull(offsets, NULL, 10);
    if (begin > size || size - begin < bytes) fail(bad_data, parameter->name, "is cut short");
    memcpy(to + parameter->offset, values + begin, bytes);
}

static float* read_weights(const char* name) {
    const file whole = read_file(name);
    float* parameters = aligned((size_t)fc_model.parameter_floats * sizeof(float));
    uint64_t length = 0;
    for (size_t b = 8; b-- > 0;) length = length << 8 | (b < whole.size ? whole.bytes[b] : 255);
    if (whole.size < 8 || length > whole.size - 8) fail(bad_data, name, "is no safetensors file");
    uint8_t* values = whole.bytes + 8 + length;
    char* header = malloc(length + 1);
    if (!header) fail(internal, name, "not enough memory");
    memcpy(header, whole.bytes + 8, length);
    header[length] = 0;
    for (int32_t p = 0; p < fc_model.parameter_tensors; ++p)
        copy_tensor(&fc_model.parameters[p], header, values, whole.size - 8 - length, parameters);
    free(header);
    free(whole.bytes);
    return parameters;
}

/* ---- images: 0 0 8 3, then three big-endian numbers (images, height, width), then pixels ------ */

static uint32_t big_endian(const uint8_t* at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The pixels; how many images they are. */
static const uint8_t* read_images(const char* name, size_t* count) {
    static const uint8_t magic[4] = {0, 0, 8, 3};
    const file whole = read_file(name);
    if (whole.size < 16 || memcmp(whole.bytes, magic, sizeof magic) != 0)
        fail(bad_data, name, "holds no images as IDX");
    if (big_endian(whole.bytes + 8) != (uint32_t)fc_model.image_dims[0] ||
        big_endian(whole.bytes + 12) != (uint32_t)fc_model.image_dims[1])
        fail(bad_data, name, "its images are of another size than the model's");
    *count = big_endian(whole.bytes + 4);
    if (whole.size != 16 + *count * (size_t)fc_model.image_bytes)
        fail(bad_data, name, "its length is not that of its images");
    return whole.bytes + 16;
}

/* ---- embeddings ------------------------------------------------------------------------------ */

enum { at_once = 128 };

int main(int argc, char** argv) {
    if (argc != 3) fail(usage, "usage", "embed WEIGHTS.safetensors IMAGES.idx > EMBEDDINGS");
    size_t count;
    const float* parameters = read_weights(argv[1]);
    const uint8_t* images = read_images(argv[2], &count);
    const size_t floats = (size_t)fc_model.embedding_size;
    float* embeddings = aligned(at_once * floats * sizeof(float));
    siamc_encoder encoder;
    int error = siamc_encoder_open(&encoder, &fc_model, parameters, aligned(FC_ENCODER_BYTES));
    int32_t indices[at_once];
    if (error) fail(internal, "fc", siamc_error_text(error));
    for (int32_t i = 0; i < at_once; ++i) indices[i] = i;
    for (size_t done = 0; done < count; done += at_once) {
        const int32_t n = count - done < at_once ? (int32_t)(count - done) : at_once;
        const uint8_t* first = images + done * (size_t)fc_model.image_bytes;
        error = siamc_embed(&encoder, first, n, indices, n, embeddings);
        if (error) fail(internal, argv[2], siamc_error_text(error));
        if (fwrite(embeddings, floats * sizeof(float), (size_t)n, stdout) != (size_t)n)
            fail(cannot_write, "stdout", "cannot be written to");
    }
    if (fflush(stdout) != 0) fail(cannot_write, "stdout", "cannot be written to");
    return 0;
}
