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

enum {
    usage = 2,
    bad_data = 65,
    missing_input = 66,
    internal = 70,
    out_of_memory = 71,
    cannot_write = 74
};

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
    enum { most = 1 << 30 }; /* bytes */
    if (!in || fseek(in, 0, SEEK_END) != 0 || (size = ftell(in)) < 0 || fseek(in, 0, SEEK_SET) != 0)
        fail(missing_input, name, "cannot be read");
    if (size > most) fail(bad_data, name, "is longer than 1 GiB: is it the right file?");
    whole.size = (size_t)size;
    whole.bytes = malloc(whole.size + 1); /* of an empty file too */
    if (!whole.bytes) fail(out_of_memory, name, "not enough memory");
    if (fread(whole.bytes, 1, whole.size, in) != whole.size)
        fail(missing_input, name, "cannot be read");
    fclose(in);
    return whole;
}

static void* aligned(size_t bytes) {
    const size_t whole_lines = (bytes + SIAMC_ALIGNMENT - 1) / SIAMC_ALIGNMENT * SIAMC_ALIGNMENT;
    void* memory = aligned_alloc(SIAMC_ALIGNMENT, whole_lines);
    if (!memory) fail(out_of_memory, "memory", "not enough of it");
    return memset(memory, 0, whole_lines);
}

/* ---- weights: 8 bytes with the length of a JSON header, the header, the values --------------- */

/* Where the 16 digits of the checksum stand in what Siamc writes, and what stands before them
 * behind the length (docs/file-formats.md). */
enum { digits_begin = 45, digits_end = 61 };
static const char checksum_start[] = "{\"__metadata__\":{\"checksum\":\"fnv1a64:";

/* FNV-1a of the file with zeros for the digits. */
static uint64_t checksum_of(const file* whole) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < whole->size; ++i)
        hash =
            (hash ^ (i >= digits_begin && i < digits_end ? '0' : whole->bytes[i])) * 0x100000001b3u;
    return hash;
}

/* Files of Siamc's say so in three ways, of which no flipped bit removes all; in those the checksum
 * has to be there and right. */
static void check_checksum(const char* name, const file* whole, const char* header) {
    char digits[17];
    if (!strstr(header, "\"checksum\"") && !strstr(header, "\"parameter_hash\"") &&
        !strstr(header, "\"format\":\"siamc"))
        return;
    snprintf(digits, sizeof digits, "%016llx", (unsigned long long)checksum_of(whole));
    if (whole->size < digits_end ||
        memcmp(whole->bytes + 8, checksum_start, sizeof checksum_start - 1) != 0 ||
        memcmp(whole->bytes + digits_begin, digits, digits_end - digits_begin) != 0)
        fail(bad_data, name, "is damaged: its checksum is not that of its contents");
}

static void check_parameter_hash(const char* name, const char* header) {
    static const char key[] = "\"parameter_hash\":\"";
    const char* found = strstr(header, key);
    if (found && strncmp(found + sizeof key - 1, fc_model.parameter_hash,
                         strlen(fc_model.parameter_hash)) != 0)
        fail(bad_data, name, "has the parameters of another model than this program's");
}

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
        length +=
            snprintf(text + length, 64 - (size_t)length, d ? ",%d" : "%d", (int)parameter->dims[d]);
    snprintf(text + length, 64 - (size_t)length, "]");
}

/* Copies the values of a tensor, all of them numbers. `used`: a byte for each
 * float of the values, to find those that two tensors claim. */
static void copy_tensor(const siamc_parameter* parameter, const char* header, const uint8_t* values,
                        size_t size, uint8_t* used, float* to) {
    char key[128], shape[64], spelling[96];
    const size_t floats = floats_of(parameter), bytes = floats * sizeof(float);
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
    if (begin % sizeof(float) != 0) fail(bad_data, parameter->name, "does not start on a float");
    memcpy(to + parameter->offset, values + begin, bytes);
    for (size_t i = 0; i < floats; ++i) {
        const float value = to[parameter->offset + (int64_t)i];
        if (!(value - value == 0))
            fail(bad_data, parameter->name, "holds a value that is no number");
        if (used[begin / sizeof(float) + i]++)
            fail(bad_data, parameter->name, "shares values with another tensor");
    }
}

static float* read_weights(const char* name) {
    const file whole = read_file(name);
    float* parameters = aligned((size_t)fc_model.parameter_floats * sizeof(float));
    uint64_t length = 0;
    for (size_t b = 8; b-- > 0;) length = length << 8 | (b < whole.size ? whole.bytes[b] : 255);
    if (whole.size < 8 || length > whole.size - 8) fail(bad_data, name, "is no safetensors file");
    const uint8_t* values = whole.bytes + 8 + length;
    const size_t size = whole.size - 8 - (size_t)length;
    char* header = malloc((size_t)length + 1);
    uint8_t* used = calloc(size / sizeof(float) + 1, 1);
    if (!header || !used) fail(out_of_memory, name, "not enough memory");
    memcpy(header, whole.bytes + 8, (size_t)length);
    header[length] = 0;
    check_checksum(name, &whole, header);
    check_parameter_hash(name, header);
    if (size != (size_t)fc_model.parameter_count * sizeof(float))
        fail(bad_data, name, "its values are not as many as the model's parameters");
    for (int32_t p = 0; p < fc_model.parameter_tensors; ++p)
        copy_tensor(&fc_model.parameters[p], header, values, size, used, parameters);
    free(used);
    free(header);
    free(whole.bytes);
    return parameters;
}

/* ---- images: 0 0 8 3, then three big-endian numbers (images, height, width), then pixels ------
 */

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
    const size_t floats = FC_EMBEDDING;
    float* embeddings = aligned(at_once * floats * sizeof(float));
    siamc_encoder encoder;
    int error = siamc_encoder_open(&encoder, &fc_model, parameters, aligned(FC_ENCODER_BYTES));
    int32_t indices[at_once];
    if (error) fail(internal, "fc", siamc_error_text(error));
    for (int32_t i = 0; i < at_once; ++i) indices[i] = i;
    for (size_t done = 0; done < count; done += at_once) {
        const int32_t n = count - done < at_once ? (int32_t)(count - done) : at_once;
        const uint8_t* first = images + done * (size_t)fc_model.image_bytes;
        error = siamc_encode(&encoder, first, n, indices, n, embeddings);
        if (error) fail(internal, argv[2], siamc_error_text(error));
        if (fwrite(embeddings, floats * sizeof(float), (size_t)n, stdout) != (size_t)n)
            fail(cannot_write, "stdout", "cannot be written to");
    }
    if (fflush(stdout) != 0) fail(cannot_write, "stdout", "cannot be written to");
    return 0;
}
