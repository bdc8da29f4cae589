// Who or what is known, in one file: identities, each with the embeddings of some of its images.
// Each change is a transaction: who is killed or loses power leaves the state before or behind it.
// Several may read while one writes. The file is SQLite's; docs/file-formats.md has its tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "gallery/database.h"

namespace siamc {

// What embeddings are of: those of other weights, or of images prepared otherwise, are not
// comparable.
struct Fingerprint {
    std::string model;           // its name, for people
    std::string weights_sha256;  // of weights.safetensors
    std::string preparation;     // "fit", "crop inverted"
    int embedding_size = 0;      // floats

    bool operator==(const Fingerprint&) const = default;
};

struct Enrolment {
    std::string identity;      // its name
    std::string source;        // where the image is; empty: not known
    std::string image_sha256;  // of the file, or of an embedding alone: no identity has it twice
    std::vector<std::byte> image;  // the file's bytes, where they are kept
    std::vector<float> embedding;  // embedding_size
};

struct EnrolResult {
    long added = 0, known = 0;  // images; known: the identity had them
};

struct Identity {
    std::string name;
    long templates = 0;
};

// All templates: by the names of their identities, then in the order of enrolment.
struct Templates {
    std::vector<std::string> names;      // of identities
    std::vector<std::int32_t> identity;  // of each template: its place in `names`
    std::vector<std::int64_t> ids;       // of each template, never given twice
    std::vector<float> embeddings;       // [templates][embedding_size]

    long size() const { return static_cast<long>(ids.size()); }
};

// An image of a template, to be embedded anew.
struct KeptImage {
    std::int64_t id = 0;
    std::string source;
    std::vector<std::byte> image;  // empty if only the source is known
};

class Gallery {
  public:
    // bad_data if the file is something else, or of a later version; errors as Database.
    Gallery(const std::filesystem::path& path, Access access);

    // Of an empty gallery: none.
    bool has_fingerprint() const;
    Fingerprint fingerprint() const;
    // A new gallery takes it; another one stays as it is.
    void adopt(const Fingerprint& fingerprint);
    // bad_data, with the remedy, if the gallery has another one. `run` is its folder, for messages.
    void check(const Fingerprint& fingerprint, const std::string& run) const;

    // One transaction. internal if an embedding has another size.
    EnrolResult enroll(std::span<const Enrolment> images);
    // With all of its templates; false if there is none of that name.
    bool remove(const std::string& identity);
    // Another gallery's identities and templates, in one transaction; bad_data if fingerprints
    // differ.
    EnrolResult merge(const Gallery& other);

    std::vector<Identity> identities() const;  // by name
    // usage: there is nobody of that name, but perhaps of a similar one.
    [[noreturn]] void fail_no_identity(const std::string& name) const;
    Templates templates() const;
    std::vector<Enrolment> enrolments() const;  // as Templates, with all that is kept
    // Changes with every change that anyone made to the file.
    std::int64_t version() const;

    std::vector<KeptImage> images() const;
    // In one transaction: these templates' embeddings, and what they are of.
    void replace(const Fingerprint& fingerprint, std::span<const std::int64_t> ids,
                 std::span<const float> embeddings);

  private:
    void make_tables();
    void check_tables() const;
    void write_fingerprint(const Fingerprint& fingerprint) const;
    EnrolResult insert(std::span<const Enrolment> images) const;

    Database database_;
};

}  // namespace siamc
