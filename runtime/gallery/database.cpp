#include "gallery/database.h"

#include <sqlite3.h>

#include "core/error.h"

namespace siamc {
namespace {

constexpr int patience_ms = 10'000;

Exit exit_of(int code) {
    switch (code & 0xFF) {
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
        case SQLITE_SCHEMA:
        case SQLITE_MISMATCH:
        case SQLITE_ERROR:
            return Exit::bad_data;
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
            return Exit::cannot_create;
        case SQLITE_NOMEM:
            return Exit::out_of_memory;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_FULL:
        case SQLITE_IOERR:
            return Exit::cannot_write;
        default:
            return Exit::internal;
    }
}

const char* advice(int code) {
    switch (code & 0xFF) {
        case SQLITE_NOTADB:
            return "\n  why: it is no gallery\n  write: --gallery with another file";
        case SQLITE_CORRUPT:
            return "\n  why: it is damaged\n  write: enroll anew, or use a copy";
        case SQLITE_BUSY:
            return "\n  why: another program has been writing to it for 10 seconds\n  write: the "
                   "same again";
        default:
            return "";
    }
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

void Database::Close::operator()(sqlite3* handle) const {
    sqlite3_close_v2(handle);
}

Statement::Statement(const Database& database, const char* sql) : database_(database) {
    sqlite3_stmt* statement = nullptr;
    database.check(sqlite3_prepare_v2(database.handle(), sql, -1, &statement, nullptr));
    statement_.reset(statement);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
    database_.check(sqlite3_bind_int64(statement_.get(), parameter + 1, value));
    return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
    database_.check(sqlite3_bind_text64(statement_.get(), parameter + 1, text.data(), text.size(),
                                        SQLITE_STATIC, SQLITE_UTF8));
    return *this;
}

Statement& Statement::bind(int parameter, std::span<const std::byte> bytes) {
    const void* data = bytes.empty() ? "" : static_cast<const void*>(bytes.data());
    database_.check(
        sqlite3_bind_blob64(statement_.get(), parameter + 1, data, bytes.size(), SQLITE_STATIC));
    return *this;
}

bool Statement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) database_.check(code);
    return false;
}

void Statement::run() {
    step();
    reset();
}

void Statement::reset() {
    database_.check(sqlite3_reset(statement_.get()));
}

std::int64_t Statement::whole(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    const auto length = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return text ? std::string(text, length) : std::string();
}

std::span<const std::byte> Statement::bytes(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    const auto length = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return {static_cast<const std::byte*>(bytes), bytes ? length : 0};
}

Database::Database(const std::filesystem::path& path, Access access) : name_(path.string()) {
    std::error_code unreadable;  // counts as absent
    if (access != Access::create && !std::filesystem::exists(path, unreadable))
        fail(Exit::missing_input,
             "--gallery: there is no file {}\n  write: enroll, which makes one, or another path",
             name_);
    if (std::filesystem::exists(path, unreadable) &&
        !std::filesystem::is_regular_file(path, unreadable))
        fail(Exit::bad_data, "--gallery: {} is no file", name_);
    const int flags = access == Access::read    ? SQLITE_OPEN_READONLY
                      : access == Access::write ? SQLITE_OPEN_READWRITE
                                                : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(name_.c_str(), &handle, flags, nullptr);
    handle_.reset(handle);
    check(code);
    check(sqlite3_busy_timeout(handle, patience_ms));
}

std::int64_t Database::changes() const {
    return sqlite3_changes64(handle());
}

void Database::execute(const char* sql) const {
    check(sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr));
}

void Database::check(int code) const {
    if (code == SQLITE_OK) return;
    const char* reason = handle_ ? sqlite3_errmsg(handle()) : sqlite3_errstr(code);
    fail(exit_of(code), "{}: {}{}", name_, reason, advice(code));
}

Transaction::Transaction(const Database& database, Access access) : database_(database) {
    database.execute(access == Access::read ? "BEGIN" : "BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
    if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
    database_.execute("COMMIT");
    open_ = false;
}

}  // namespace siamc
