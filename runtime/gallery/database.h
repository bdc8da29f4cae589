// SQLite as this project uses it: values bound and read by their types, errors with exit codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace siamc {

class Database;

// A prepared statement. Parameters and columns count from 0. Errors as Database.
class Statement {
  public:
    Statement(const Database& database, const char* sql);

    // Text and bytes must outlive the next step.
    Statement& bind(int parameter, std::int64_t value);
    Statement& bind(int parameter, std::string_view text);
    Statement& bind(int parameter, std::span<const std::byte> bytes);

    // To the next row; false if there is none.
    bool step();
    // One without rows; it can be bound and run again.
    void run();
    void reset();

    std::int64_t whole(int column) const;
    std::string text(int column) const;
    std::span<const std::byte> bytes(int column) const;  // until the next step

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    const Database& database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

enum class Access { read, write, create };

// An open file. What goes wrong is thrown as Error with the file's name: bad_data if it is no
// database or is damaged, missing_input if it is not there, cannot_create or cannot_write if the
// system says so or another process has been writing for ten seconds.
class Database {
  public:
    Database(const std::filesystem::path& path, Access access);

    void execute(const char* sql) const;
    // Rows of the last statement.
    std::int64_t changes() const;
    sqlite3* handle() const { return handle_.get(); }
    const std::string& name() const { return name_; }

    // Throws unless `code` is that of success.
    void check(int code) const;

  private:
    struct Close {
        void operator()(sqlite3* handle) const;
    };
    std::string name_;
    std::unique_ptr<sqlite3, Close> handle_;
};

// All that is done until commit() is done, or nothing of it.
class Transaction {
  public:
    // For writing; waits for other writers. For reading: one state of the file throughout.
    Transaction(const Database& database, Access access);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit();

  private:
    const Database& database_;
    bool open_ = true;
};

}  // namespace siamc
