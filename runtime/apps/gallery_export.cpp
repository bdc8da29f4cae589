// Commands of gallery_NAME that write embeddings for other programs.
#include <fmt/format.h>

#include <filesystem>
#include <span>

#include "apps/gallery_commands.h"
#include "apps/picture_embedder.h"
#include "core/error.h"
#include "core/files.h"
#include "core/tell.h"
#include "data/npy.h"
#include "gallery/gallery.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

// Beside x.npy: x.ids.npy, x.names.txt.
fs::path beside(const fs::path& file, const char* ending) {
    fs::path path = file;
    return path.replace_extension(ending);
}

void write_floats(const fs::path& file, std::span<const float> values, std::size_t columns) {
    write_npy(file, {'f', 4}, {values.size() / columns, columns}, std::as_bytes(values));
}

// For FAISS and the like: rows, what to call them, and whom they show.
void export_npy(const Templates& all, std::size_t size, const fs::path& file) {
    std::string names;
    for (const std::int32_t who : all.identity)
        names += all.names[static_cast<std::size_t>(who)] + "\n";
    write_npy(beside(file, ".ids.npy"), {'i', 8}, {all.ids.size()},
              std::as_bytes(std::span(all.ids)));
    write_file_atomically(beside(file, ".names.txt"), names);
    write_floats(file, all.embeddings, size);
}

std::string sql_text(const std::string& text) {
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
    return quoted + "'";
}

// For PostgreSQL with pgvector: embedding <-> is the Euclidean distance, <=> the cosine distance.
void export_sql(const Templates& all, std::size_t size, const fs::path& file) {
    std::string sql = fmt::format(
        "BEGIN;\nCREATE EXTENSION IF NOT EXISTS vector;\n"
        "CREATE TABLE siamc_gallery (id bigint PRIMARY KEY, identity text NOT NULL, "
        "embedding vector({}) NOT NULL);\n",
        size);
    for (std::size_t row = 0; row < all.ids.size(); ++row) {
        const std::string& name = all.names[static_cast<std::size_t>(all.identity[row])];
        sql += fmt::format("INSERT INTO siamc_gallery VALUES ({}, {}, '[", all.ids[row],
                           sql_text(name));
        for (std::size_t e = 0; e < size; ++e)
            sql += fmt::format("{}{}", e > 0 ? "," : "", all.embeddings[row * size + e]);
        sql += "]');\n";
    }
    write_file_atomically(file, sql + "COMMIT;\n");
}

}  // namespace

int gallery_export(const cli::Values& values) {
    const Gallery gallery(values.text("gallery"), Access::read);
    const Templates all = gallery.templates();
    if (all.size() == 0)
        fail(Exit::bad_data, "{}: nobody is in it: enroll someone first", values.text("gallery"));
    const std::size_t size = all.embeddings.size() / all.ids.size();
    const fs::path file = values.text("out");
    if (file.extension() == ".npy")
        export_npy(all, size, file);
    else if (file.extension() == ".sql")
        export_sql(all, size, file);
    else
        fail(Exit::usage, "--out: {} ends neither in .npy nor in .sql\n  write: --out {}.npy",
             file.string(), file.string());
    return 0;
}

int gallery_embed(const cli::Values& values) {
    const fs::path file = values.text("out");
    if (file.extension() != ".npy")
        fail(Exit::usage, "--out: {} does not end in .npy\n  write: --out {}.npy", file.string(),
             file.string());
    TrainedRun run = open_trained(values);
    PictureEmbedder embedder(run);
    std::string paths;
    for_each_picture(values.text("PATH"), [&](const NamedPicture& picture) {
        embedder.add(picture.bytes, picture.source);
        paths += picture.source + "\n";
    });
    write_file_atomically(beside(file, ".paths.txt"), paths);
    write_floats(file, embedder.take(), static_cast<std::size_t>(run.model.embedding_size()));
    return 0;
}

}  // namespace siamc
