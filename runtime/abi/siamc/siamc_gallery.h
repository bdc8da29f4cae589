/* Siamc: who or what an embedding shows, among those that are known. In the caller's memory; with
 * SIAMC_GALLERY_SQLITE defined before this header (and -lsqlite3) from the file of a
 * gallery_generated too.
 *
 *     #include "fc.h"
 *     #include "siamc/siamc_gallery.h"
 *
 *     void* memory = malloc(siamc_gallery_bytes(&fc_model, 10000));
 *     siamc_gallery gallery;
 *     siamc_recognition found;
 *     int error = siamc_gallery_open(&gallery, &fc_model, parameters, 10000, memory, arena);
 *     if (!error) error = siamc_gallery_enroll(&gallery, embedding, 7);
 *     if (!error) error = siamc_gallery_recognize(&gallery, other, &found);
 *     if (!error && found.identity == 7 && found.distance < threshold) ...
 *
 * As siamc.h: functions return 0 or an enum siamc_error, allocate nothing (but for what SQLite
 * does), and a gallery is for one thread at a time. Each image of an identity is a template; the
 * nearest of all counts, by the model's own distance and the kernel that its library has for it. */
#ifndef SIAMC_GALLERY_H
#define SIAMC_GALLERY_H

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "siamc.h"

#ifdef SIAMC_GALLERY_SQLITE
#include <sqlite3.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Further errors of this header. */
enum siamc_gallery_error {
    SIAMC_GALLERY_FULL = -2101,      /* no room for another template */
    SIAMC_GALLERY_NO_NUMBER = -2102, /* an embedding or a distance is not finite */
    SIAMC_GALLERY_NO_FILE = -2103,   /* there is no such file, or it cannot be read */
    SIAMC_GALLERY_OTHER_FILE = -2104 /* no gallery, or one of another model's embeddings */
};

typedef struct siamc_gallery {
    const siamc_model* model;
    const float* parameters; /* NULL where the distance has none */
    void* arena; /* [model->arena_bytes], on SIAMC_ALIGNMENT; others may use it between */
    int32_t count, capacity; /* templates */
    int64_t* identities;     /* [capacity]: the caller's numbers, from 0 on */
    float* rows;             /* [capacity + 1][embedding_size]: the one in question first */
    float* distances;        /* [capacity] */
    int32_t* pairs;          /* [capacity][2] */
} siamc_gallery;

typedef struct siamc_recognition {
    int64_t identity; /* the nearest; -1: nobody is enrolled */
    float distance;
    int64_t second; /* the nearest of the others; -1: there is none */
    float second_distance;
} siamc_recognition;

/* Of the memory for so many templates, on 8 bytes as malloc gives it. */
static inline size_t siamc_gallery_bytes(const siamc_model* model, int32_t capacity) {
    const size_t size = (size_t)model->embedding_size, n = (size_t)(capacity < 0 ? 0 : capacity);
    return n * (sizeof(int64_t) + sizeof(float) + 2 * sizeof(int32_t)) +
           (n + 1) * size * sizeof(float);
}

/* An empty gallery. SIAMC_NULL_ARGUMENT, SIAMC_NEGATIVE_COUNT, SIAMC_TOO_LARGE. */
static inline int siamc_gallery_open(siamc_gallery* gallery, const siamc_model* model,
                                     const float* parameters, int32_t capacity, void* memory,
                                     void* arena) {
    int32_t i;
    if (!gallery || !model || !memory || !arena) return SIAMC_NULL_ARGUMENT;
    if (capacity < 0) return SIAMC_NEGATIVE_COUNT;
    if (((int64_t)capacity + 1) * model->embedding_size > INT32_MAX) return SIAMC_TOO_LARGE;
    gallery->model = model;
    gallery->parameters = parameters;
    gallery->arena = arena;
    gallery->count = 0;
    gallery->capacity = capacity;
    gallery->identities = (int64_t*)memory;
    gallery->rows = (float*)(gallery->identities + capacity);
    gallery->distances = gallery->rows + ((size_t)capacity + 1) * (size_t)model->embedding_size;
    gallery->pairs = (int32_t*)(gallery->distances + capacity);
    for (i = 0; i < capacity; ++i) {
        gallery->pairs[2 * (size_t)i] = 0;
        gallery->pairs[2 * (size_t)i + 1] = i + 1;
    }
    return 0;
}

static inline float* siamc_gallery_row(const siamc_gallery* gallery, int32_t row) {
    return gallery->rows + (size_t)row * (size_t)gallery->model->embedding_size;
}

static inline int siamc_gallery_are_finite(const float* values, int32_t n) {
    int32_t i;
    for (i = 0; i < n; ++i)
        if (!(fabsf(values[i]) <= 3.402823466e38f)) return 0;
    return 1;
}

/* Another template of an identity >= 0. SIAMC_GALLERY_FULL, SIAMC_GALLERY_NO_NUMBER,
 * SIAMC_NULL_ARGUMENT, SIAMC_BAD_CLASS. */
static inline int siamc_gallery_enroll(siamc_gallery* gallery, const float* embedding,
                                       int64_t identity) {
    const int32_t size = gallery->model->embedding_size;
    float* row;
    if (!embedding) return SIAMC_NULL_ARGUMENT;
    if (identity < 0) return SIAMC_BAD_CLASS;
    if (gallery->count == gallery->capacity) return SIAMC_GALLERY_FULL;
    row = siamc_gallery_row(gallery, gallery->count + 1);
    memcpy(row, embedding, (size_t)size * sizeof(float)); /* a file's may not be aligned */
    if (!siamc_gallery_are_finite(row, size)) return SIAMC_GALLERY_NO_NUMBER;
    gallery->identities[gallery->count++] = identity;
    return 0;
}

/* Takes all templates of an identity out, keeps the others in their order, and returns how many
 * they were. */
static inline int32_t siamc_gallery_remove(siamc_gallery* gallery, int64_t identity) {
    const size_t bytes = (size_t)gallery->model->embedding_size * sizeof(float);
    int32_t kept = 0, i;
    const int32_t before = gallery->count;
    for (i = 0; i < before; ++i) {
        if (gallery->identities[i] == identity) continue;
        if (kept != i) {
            gallery->identities[kept] = gallery->identities[i];
            memcpy(siamc_gallery_row(gallery, kept + 1), siamc_gallery_row(gallery, i + 1), bytes);
        }
        ++kept;
    }
    gallery->count = kept;
    return before - kept;
}

/* Who is nearest, and who of the others; of equally near ones the first enrolled.
 * SIAMC_GALLERY_NO_NUMBER, and the errors of siamc_distances. */
static inline int siamc_gallery_recognize(siamc_gallery* gallery, const float* embedding,
                                          siamc_recognition* found) {
    const int32_t size = gallery->model->embedding_size;
    int error;
    int32_t i;
    if (!embedding || !found) return SIAMC_NULL_ARGUMENT;
    found->identity = found->second = -1;
    found->distance = found->second_distance = 0;
    if (!siamc_gallery_are_finite(embedding, size)) return SIAMC_GALLERY_NO_NUMBER;
    memcpy(gallery->rows, embedding, (size_t)size * sizeof(float));
    error = siamc_distances(gallery->model, gallery->parameters, gallery->rows, gallery->count + 1,
                            gallery->pairs, gallery->count, gallery->distances, gallery->arena);
    if (error) return error;
    if (!siamc_gallery_are_finite(gallery->distances, gallery->count))
        return SIAMC_GALLERY_NO_NUMBER;
    for (i = 0; i < gallery->count; ++i) {
        const int64_t who = gallery->identities[i];
        const float distance = gallery->distances[i];
        if (found->identity < 0 || distance < found->distance) {
            if (who != found->identity) {
                found->second = found->identity;
                found->second_distance = found->distance;
            }
            found->identity = who;
            found->distance = distance;
        } else if (who != found->identity &&
                   (found->second < 0 || distance < found->second_distance)) {
            found->second = who;
            found->second_distance = distance;
        }
    }
    return 0;
}

/* One sentence without a full stop, for all errors of siamc.h and this header. */
static inline const char* siamc_gallery_error_text(int error) {
    switch (error) {
        case SIAMC_GALLERY_FULL:
            return "the gallery has no room for another template";
        case SIAMC_GALLERY_NO_NUMBER:
            return "an embedding or a distance is not finite";
        case SIAMC_GALLERY_NO_FILE:
            return "the gallery's file is not there or cannot be read";
        case SIAMC_GALLERY_OTHER_FILE:
            return "the file is no gallery, or its embeddings are another model's or other "
                   "weights'";
        default:
            return siamc_error_text(error);
    }
}

#ifdef SIAMC_GALLERY_SQLITE

static inline int siamc_gallery_read_templates(siamc_gallery* gallery, sqlite3_stmt* statement) {
    const size_t bytes = (size_t)gallery->model->embedding_size * sizeof(float);
    int code = SQLITE_DONE, error = 0;
    while (!error && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const void* embedding = sqlite3_column_blob(statement, 1);
        error = (size_t)sqlite3_column_bytes(statement, 1) != bytes
                    ? (int)SIAMC_GALLERY_OTHER_FILE
                    : siamc_gallery_enroll(gallery, (const float*)embedding,
                                           sqlite3_column_int64(statement, 0));
    }
    return error ? error : code == SQLITE_DONE ? 0 : (int)SIAMC_GALLERY_NO_FILE;
}

/* Enrols all of a file's templates, by names and in the order of enrolment; identities are the
 * numbers of its table `identity`. `weights_sha256`: 64 digits, that the gallery has to be of;
 * NULL: whatever it is of. What was enrolled before stays. SIAMC_GALLERY_NO_FILE,
 * SIAMC_GALLERY_OTHER_FILE, SIAMC_GALLERY_FULL: then some templates may be in. */
static inline int siamc_gallery_load(siamc_gallery* gallery, const char* file,
                                     const char* weights_sha256) {
    static const char* const templates =
        "SELECT template.identity, embedding FROM template JOIN identity ON identity.id = "
        "template.identity WHERE ?1 IS NULL OR EXISTS (SELECT 1 FROM fingerprint WHERE key = "
        "'weights_sha256' AND value = ?1) ORDER BY name, template.id";
    static const char* const counted = "SELECT (SELECT count(*) FROM template)";
    sqlite3* database = NULL;
    sqlite3_stmt* statement = NULL;
    int error = SIAMC_GALLERY_NO_FILE;
    const int32_t before = gallery->count;
    int64_t all = -1;
    if (sqlite3_open_v2(file, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(database, 10000);
        error = SIAMC_GALLERY_OTHER_FILE;
        if (sqlite3_exec(database, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
            sqlite3_prepare_v2(database, counted, -1, &statement, NULL) == SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_ROW)
            all = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        statement = NULL;
        if (all >= 0 &&
            sqlite3_prepare_v2(database, templates, -1, &statement, NULL) == SQLITE_OK) {
            if (weights_sha256) sqlite3_bind_text(statement, 1, weights_sha256, -1, SQLITE_STATIC);
            error = siamc_gallery_read_templates(gallery, statement);
        }
        if (!error && gallery->count - before != all) error = SIAMC_GALLERY_OTHER_FILE;
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return error;
}

#endif

#ifdef __cplusplus
}
#endif

#endif
