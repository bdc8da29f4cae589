#include "gallery/gallery.h"

#include <fmt/format.h>

#include <cstring>

#include "core/error.h"
#include "core/wording.h"

namespace siamc {
namespace {

constexpr std::int64_t application = 0x5349414D;  // "SIAM", by which file(1) and others tell it
constexpr std::int64_t gallery_version = 1;

constexpr const char* tables =
    "CREATE TABLE fingerprint (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE identity (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE template (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " identity INTEGER NOT NULL REFERENCES identity ON DELETE CASCADE,"
    " source TEXT NOT NULL, image_sha256 TEXT NOT NULL, image BLOB NOT NULL,"
    " embedding BLOB NOT NULL, UNIQUE (identity, image_sha256));";

std::int64_t pragma(const Database& database, const char* name) {
    Statement statement(database, name);
    statement.step();
    return statement.whole(0);
}

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) {
    return {bytes.begin(), bytes.end()};
}

void append_floats(const Database& database, std::span<const std::byte> bytes, int size,
                   std::vector<float>& to) {
    const auto count = static_cast<std::size_t>(size);
    if (bytes.size() != count * sizeof(float))
        fail(Exit::bad_data, "{}: an embedding has {} bytes, not those of {} floats",
             database.name(), bytes.size(), size);
    to.resize(to.size() + count);
    std::memcpy(&to[to.size() - count], bytes.data(), bytes.size());
}

}  // namespace

Gallery::Gallery(const std::filesystem::path& path, Access access) : database_(path, access) {
    database_.execute("PRAGMA foreign_keys = ON");
    database_.execute("PRAGMA synchronous = FULL");
    if (access == Access::create) make_tables();
    check_tables();
}

// Of two processes that make the file at once, one finds the other's tables.
void Gallery::make_tables() {
    if (pragma(database_, "PRAGMA application_id") == application) return;
    // Readers then do not wait for writers.
    Statement(database_, "PRAGMA journal_mode = WAL").step();
    Transaction transaction(database_, Access::write);
    if (pragma(database_, "PRAGMA application_id") == application) return;
    if (pragma(database_, "SELECT count(*) FROM sqlite_schema") != 0) return;  // something else
    database_.execute(tables);
    database_.execute(fmt::format("PRAGMA application_id = {}", application).c_str());
    database_.execute(fmt::format("PRAGMA user_version = {}", gallery_version).c_str());
    transaction.commit();
}

void Gallery::check_tables() const {
    if (pragma(database_, "PRAGMA application_id") != application)
        fail(Exit::bad_data, "{}: a database, but no gallery\n  write: --gallery with another file",
             database_.name());
    if (const std::int64_t version = pragma(database_, "PRAGMA user_version");
        version != gallery_version)
        fail(Exit::bad_data, "{}: a gallery of version {}, this program knows version {}",
             database_.name(), version, gallery_version);
}

bool Gallery::has_fingerprint() const {
    return pragma(database_, "SELECT count(*) FROM fingerprint") != 0;
}

Fingerprint Gallery::fingerprint() const {
    Fingerprint found;
    Statement statement(database_, "SELECT key, value FROM fingerprint");
    while (statement.step()) {
        const std::string key = statement.text(0), value = statement.text(1);
        if (key == "model") found.model = value;
        if (key == "weights_sha256") found.weights_sha256 = value;
        if (key == "preparation") found.preparation = value;
        if (key == "embedding_size") found.embedding_size = static_cast<int>(statement.whole(1));
    }
    if (found.embedding_size < 1)
        fail(Exit::bad_data, "{}: does not say how many floats its embeddings have",
             database_.name());
    return found;
}

void Gallery::write_fingerprint(const Fingerprint& fingerprint) const {
    Statement statement(database_, "INSERT OR REPLACE INTO fingerprint VALUES (?, ?)");
    const std::string size = fmt::format("{}", fingerprint.embedding_size);
    for (const auto& [key, value] :
         {std::pair<const char*, const std::string&>{"model", fingerprint.model},
          {"weights_sha256", fingerprint.weights_sha256},
          {"preparation", fingerprint.preparation},
          {"embedding_size", size}})
        statement.bind(0, std::string_view(key)).bind(1, std::string_view(value)).run();
}

void Gallery::adopt(const Fingerprint& wanted) {
    if (has_fingerprint()) return;
    Transaction transaction(database_, Access::write);
    if (!has_fingerprint()) write_fingerprint(wanted);
    transaction.commit();
}

void Gallery::check(const Fingerprint& wanted, const std::string& run) const {
    if (!has_fingerprint()) return;  // nobody is in it
    const Fingerprint found = fingerprint();
    if (found == wanted) return;
    fail(Exit::bad_data,
         "{}: its embeddings are of model {} with weights {:.12}, images {}; the run {} has model "
         "{} with weights {:.12}, images {}\n  why: distances between the two mean nothing\n"
         "  write: the run that enrolled them, or re-embed --gallery {} --run {}",
         database_.name(), found.model, found.weights_sha256, found.preparation, run, wanted.model,
         wanted.weights_sha256, wanted.preparation, database_.name(), run);
}

EnrolResult Gallery::insert(std::span<const Enrolment> images) const {
    Statement identity(database_, "INSERT OR IGNORE INTO identity (name) VALUES (?)"),
        find(database_, "SELECT id FROM identity WHERE name = ?"),
        image(database_,
              "INSERT OR IGNORE INTO template (identity, source, image_sha256, image, embedding) "
              "VALUES (?, ?, ?, ?, ?)");
    const auto size = static_cast<std::size_t>(fingerprint().embedding_size);
    EnrolResult result;
    for (const Enrolment& enrolment : images) {
        if (enrolment.embedding.size() != size)
            fail(Exit::internal, "an embedding of {} floats for a gallery of {}",
                 enrolment.embedding.size(), size);
        identity.bind(0, std::string_view(enrolment.identity)).run();
        find.bind(0, std::string_view(enrolment.identity)).step();
        const std::int64_t id = find.whole(0);
        find.reset();
        image.bind(0, id)
            .bind(1, std::string_view(enrolment.source))
            .bind(2, std::string_view(enrolment.image_sha256))
            .bind(3, std::span(enrolment.image))
            .bind(4, std::as_bytes(std::span(enrolment.embedding)))
            .run();
        ++(database_.changes() > 0 ? result.added : result.known);
    }
    return result;
}

EnrolResult Gallery::enroll(std::span<const Enrolment> images) {
    Transaction transaction(database_, Access::write);
    const EnrolResult result = insert(images);
    transaction.commit();
    return result;
}

bool Gallery::remove(const std::string& name) {
    Transaction transaction(database_, Access::write);
    Statement(database_, "DELETE FROM identity WHERE name = ?")
        .bind(0, std::string_view(name))
        .run();
    const bool found = database_.changes() > 0;
    transaction.commit();
    return found;
}

EnrolResult Gallery::merge(const Gallery& other) {
    if (!other.has_fingerprint()) return {};
    adopt(other.fingerprint());
    if (!(fingerprint() == other.fingerprint()))
        fail(Exit::bad_data,
             "{} and {} are of other weights or images: distances between the two mean nothing\n"
             "  write: re-embed --gallery {} first",
             database_.name(), other.database_.name(), other.database_.name());
    return enroll(other.enrolments());
}

std::vector<Identity> Gallery::identities() const {
    Statement statement(database_,
                        "SELECT name, (SELECT count(*) FROM template WHERE identity = identity.id) "
                        "FROM identity ORDER BY name");
    std::vector<Identity> identities;
    while (statement.step()) identities.push_back({statement.text(0), statement.whole(1)});
    return identities;
}

void Gallery::fail_no_identity(const std::string& name) const {
    std::vector<std::string> known;
    for (const Identity& identity : identities()) known.push_back(identity.name);
    const std::string guess = nearest(name, known);
    fail(Exit::usage, "{}: nobody in it is called {}{}", database_.name(), in_quotes(name),
         guess.empty() ? ": list says who is in it" : "\n  write: " + guess);
}

Templates Gallery::templates() const {
    const Transaction transaction(database_, Access::read);
    Templates all;
    if (!has_fingerprint()) return all;
    const int size = fingerprint().embedding_size;
    Statement statement(database_,
                        "SELECT name, template.id, embedding FROM template JOIN identity ON "
                        "identity.id = template.identity ORDER BY name, template.id");
    while (statement.step()) {
        const std::string name = statement.text(0);
        if (all.names.empty() || all.names.back() != name) all.names.push_back(name);
        all.identity.push_back(static_cast<std::int32_t>(all.names.size()) - 1);
        all.ids.push_back(statement.whole(1));
        append_floats(database_, statement.bytes(2), size, all.embeddings);
    }
    return all;
}

std::vector<Enrolment> Gallery::enrolments() const {
    const Transaction transaction(database_, Access::read);
    std::vector<Enrolment> all;
    if (!has_fingerprint()) return all;
    const int size = fingerprint().embedding_size;
    Statement statement(database_,
                        "SELECT name, source, image_sha256, image, embedding FROM template JOIN "
                        "identity ON identity.id = template.identity ORDER BY name, template.id");
    while (statement.step()) {
        all.push_back({statement.text(0),
                       statement.text(1),
                       statement.text(2),
                       copy_of(statement.bytes(3)),
                       {}});
        append_floats(database_, statement.bytes(4), size, all.back().embedding);
    }
    return all;
}

std::int64_t Gallery::version() const {
    return pragma(database_, "PRAGMA data_version");
}

std::vector<KeptImage> Gallery::images() const {
    Statement statement(database_, "SELECT id, source, image FROM template ORDER BY id");
    std::vector<KeptImage> images;
    while (statement.step())
        images.push_back({statement.whole(0), statement.text(1), copy_of(statement.bytes(2))});
    return images;
}

void Gallery::replace(const Fingerprint& fingerprint, std::span<const std::int64_t> ids,
                      std::span<const float> embeddings) {
    const auto size = static_cast<std::size_t>(fingerprint.embedding_size);
    Transaction transaction(database_, Access::write);
    if (pragma(database_, "SELECT count(*) FROM template") != static_cast<long>(ids.size()))
        fail(Exit::cannot_write, "{}: it was changed meanwhile\n  write: the same again",
             database_.name());
    Statement statement(database_, "UPDATE template SET embedding = ? WHERE id = ?");
    for (std::size_t i = 0; i < ids.size(); ++i)
        statement.bind(0, std::as_bytes(embeddings.subspan(i * size, size))).bind(1, ids[i]).run();
    write_fingerprint(fingerprint);
    transaction.commit();
}

}  // namespace siamc
