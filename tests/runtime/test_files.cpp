#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "catch.h"
#include "core/files.h"
#include "core/sha256.h"
#include "runtime/data_helpers.h"
#include "runtime/file_faults.h"

namespace siamc::test {
std::function<int(int)> on_fsync;
std::function<ssize_t(int, const void*, size_t)> on_write;
}  // namespace siamc::test

using namespace siamc;
using namespace siamc::test;

namespace {

int real_fsync(int descriptor) {
    return static_cast<int>(::syscall(SYS_fsync, descriptor));
}
ssize_t real_write(int descriptor, const void* bytes, size_t size) {
    return ::syscall(SYS_write, descriptor, bytes, size);
}

}  // namespace

// In place of the C library's, in this program only.
extern "C" int fsync(int descriptor) {
    return on_fsync ? on_fsync(descriptor) : real_fsync(descriptor);
}
extern "C" ssize_t write(int descriptor, const void* bytes, size_t size) {
    return on_write ? on_write(descriptor, bytes, size) : real_write(descriptor, bytes, size);
}

namespace {

namespace fs = std::filesystem;

constexpr std::size_t no_limit = 1 << 30;

using Listing = std::map<std::string, std::string>;

// Every file of a folder with its contents, so that nothing left behind goes unseen.
Listing contents(const fs::path& folder) {
    Listing listing;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder))
        listing[entry.path().filename().string()] =
            entry.is_regular_file() ? read_file(entry.path(), no_limit) : "(no file)";
    return listing;
}

unsigned mode(const fs::path& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * i / 7);
    return bytes;
}

Failure write_failure(const fs::path& file, const std::string& bytes) {
    return failure_of([&] { write_file_atomically(file, bytes); });
}

}  // namespace

TEST_CASE("a written file holds exactly the bytes and stands alone", "[files]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "weights";
    for (const std::size_t size : std::vector<std::size_t>{0, 1, 65535, 65536, 65537, 300000}) {
        const std::string bytes = pattern(size);
        write_file_atomically(file, bytes);
        CHECK(contents(folder.path()) == Listing{{"weights", bytes}});
    }
}

TEST_CASE("a path without a folder means the working one", "[files]") {
    const TempFolder folder;
    const fs::path before = fs::current_path();
    fs::current_path(folder.path());
    const Failure failure = write_failure("alone", "bytes");
    fs::current_path(before);
    CHECK(failure.message.empty());
    CHECK(contents(folder.path()) == Listing{{"alone", "bytes"}});
}

TEST_CASE("a written file's mode is 0644 less the umask", "[files]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "file";
    for (const unsigned mask : {022u, 0u, 027u, 077u}) {
        const mode_t before = ::umask(mask);
        write_file_atomically(file, "bytes");
        ::umask(before);
        CHECK(mode(file) == (0644u & ~mask));
    }
}

TEST_CASE("only a regular file is replaced", "[files]") {
    const TempFolder folder;
    write_file_atomically(folder.path() / "other", "other");
    fs::create_symlink("other", folder.path() / "link");
    fs::create_symlink("none", folder.path() / "dangling");
    fs::create_directory(folder.path() / "inner");
    REQUIRE(::mkfifo((folder.path() / "fifo").c_str(), 0600) == 0);
    const Listing before = contents(folder.path());
    for (const auto& [name, what] :
         std::map<std::string, std::string>{{"link", "a symbolic link"},
                                            {"dangling", "a symbolic link"},
                                            {"inner", "a folder"},
                                            {"fifo", "a FIFO"}}) {
        const fs::path file = folder.path() / name;
        const Failure failure = write_failure(file, "new");
        INFO(failure.message);
        CHECK(failure.code == Exit::cannot_create);
        CHECK(failure.mentions(file.string() + ": cannot be replaced: it is " + what));
        CHECK(contents(folder.path()) == before);
    }
    CHECK(
        write_failure("/dev/full", "x").mentions("/dev/full: cannot be replaced: it is a device"));
    CHECK(write_failure(folder.path() / "inner" / "", "x").code == Exit::cannot_create);
}

TEST_CASE("temporaries of a killed process are removed, all else is left", "[files]") {
    const TempFolder folder;
    const std::string digits(32, 'a');
    for (const char* name : {"folder", "folder/inner"}) {
        fs::create_directory(folder.path() / (".siamc-" + digits + "." + name));
        folder.write(".siamc-" + digits + "." + name + "/file", {'x'});
    }
    fs::create_directory_symlink(fs::temp_directory_path(),
                                 folder.path() / (".siamc-" + digits + ".folder/link"));
    folder.write(".siamc-" + digits + ".tmp", {'x'});
    Listing expected{{"file", "new"}};
    for (const std::string& name :
         {".siamc-" + digits, ".siamc-" + digits + ".tmp2", ".siamc-" + digits + "a.tmp",
          ".siamc-" + std::string(32, 'g') + ".tmp", digits + ".tmp", std::string("x.tmp")}) {
        folder.write(name, {'o', 'l', 'd'});
        expected[name] = "old";
    }
    write_file_atomically(folder.path() / "file", "new");
    CHECK(contents(folder.path()) == expected);
    CHECK(fs::exists(fs::temp_directory_path()));
}

TEST_CASE("a temporary that a process holds is left alone", "[files]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "file";
    const Undo undo;
    int temporaries = 0;
    on_fsync = [&](int descriptor) {
        on_fsync = nullptr;
        write_file_atomically(folder.path() / "other", "other");
        for (const auto& [name, bytes] : contents(folder.path()))
            temporaries += name.ends_with(".tmp") && bytes == "new";
        return real_fsync(descriptor);
    };
    write_file_atomically(file, "new");
    CHECK(temporaries == 1);
    CHECK(contents(folder.path()) == Listing{{"file", "new"}, {"other", "other"}});
}

TEST_CASE("a file that cannot be created is named with the reason", "[files]") {
    const TempFolder folder;
    for (const fs::path& file :
         {folder.path() / "none" / "file", folder.path() / "plain" / "file"}) {
        folder.write("plain", {'x'});
        const Failure failure = write_failure(file, "bytes");
        CHECK(failure.code == Exit::cannot_create);
        CHECK(failure.mentions(file.string() + ": cannot be created: "));
    }
    CHECK(write_failure(folder.path() / "none" / "file", "").mentions("No such file or directory"));
    CHECK(write_failure(folder.path() / "plain" / "file", "").mentions("Not a directory"));
    CHECK(contents(folder.path()) == Listing{{"plain", "x"}});
}

TEST_CASE("a full disk leaves the old file and no other", "[files]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "file";
    write_file_atomically(file, "old");

    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{1000, before.rlim_max};
    const auto handler = ::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &small);
    const Failure failure = write_failure(file, pattern(5000));
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, handler);

    CHECK(failure.code == Exit::cannot_write);
    CHECK(failure.mentions(file.string() + ": cannot be written: File too large"));
    CHECK(contents(folder.path()) == Listing{{"file", "old"}});
}

TEST_CASE("interrupted and short writes are continued", "[files]") {
    const TempFolder folder;
    const Undo undo;
    int calls = 0;
    on_write = [&](int descriptor, const void* bytes, size_t size) -> ssize_t {
        if (++calls % 2 == 1) {
            errno = EINTR;
            return -1;
        }
        return real_write(descriptor, bytes, std::min<size_t>(size, 7));
    };
    const Failure failure = write_failure(folder.path() / "file", pattern(1000));
    on_write = nullptr;
    CHECK(failure.message.empty());
    CHECK(calls == 2 * 143);
    CHECK(contents(folder.path()) == Listing{{"file", pattern(1000)}});
}

TEST_CASE("what is interrupted, or writes nothing, for ever is given up", "[files]") {
    const TempFolder folder;
    const Undo undo;
    int calls = 0;
    ssize_t result = -1;
    on_write = [&](int, const void*, size_t) {
        ++calls;
        errno = EINTR;
        return result;
    };
    CHECK(write_failure(folder.path() / "file", "x").mentions("Interrupted system call"));
    CHECK(calls == 100);
    result = 0;
    CHECK(write_failure(folder.path() / "file", "x").mentions("Input/output error"));
    on_write = nullptr;
    CHECK(contents(folder.path()).empty());
}

TEST_CASE("the file is synced before it is in place, the folder after", "[files]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "file";
    write_file_atomically(file, "old");
    const Undo undo;
    std::vector<std::string> seen;  // whether a folder is synced; what the file holds by then
    on_fsync = [&](int descriptor) {
        struct stat status {};
        ::fstat(descriptor, &status);
        seen.push_back((S_ISDIR(status.st_mode) ? "folder " : "file ") + read_file(file, no_limit));
        return real_fsync(descriptor);
    };
    write_file_atomically(file, "new");
    CHECK(seen == std::vector<std::string>{"file old", "folder new"});
}

TEST_CASE("a failed sync is an error and never tried again", "[files]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "file";
    write_file_atomically(file, "old");
    const Undo undo;
    int calls = 0, failing = 1, error = EIO;
    on_fsync = [&](int descriptor) {
        if (++calls != failing) return real_fsync(descriptor);
        errno = error;
        return -1;
    };

    SECTION("of the file: the old one stays") {
        const Failure failure = write_failure(file, "new");
        CHECK(calls == 1);
        CHECK(failure.code == Exit::cannot_write);
        CHECK(failure.mentions(file.string() + ": cannot be synced to disk: Input/output error"));
        CHECK(contents(folder.path()) == Listing{{"file", "old"}});
    }
    SECTION("interrupted: the same") {
        error = EINTR;
        CHECK(write_failure(file, "new").code == Exit::cannot_write);
        CHECK(calls == 1);
        CHECK(contents(folder.path()) == Listing{{"file", "old"}});
    }
    SECTION("of the folder: the new one is in place, but may not stay") {
        failing = 2;
        const Failure failure = write_failure(file, "new");
        CHECK(calls == 2);
        CHECK(failure.code == Exit::cannot_write);
        CHECK(failure.mentions(file.string()));
        CHECK(failure.mentions("Input/output error"));
        CHECK(contents(folder.path()) == Listing{{"file", "new"}});
    }
    SECTION("of a folder on a file system that has no such call: fine") {
        failing = 2;
        error = EINVAL;
        CHECK(write_failure(file, "new").message.empty());
        CHECK(calls == 2);
        CHECK(contents(folder.path()) == Listing{{"file", "new"}});
    }
}

TEST_CASE("a file is read whole or not at all", "[files]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "file";
    for (const std::size_t size : std::vector<std::size_t>{0, 1, 65535, 65536, 65537, 200000}) {
        write_file_atomically(file, pattern(size));
        CHECK(read_file(file, size) == pattern(size));
        CHECK(read_file(file, size + 1) == pattern(size));
        if (size == 0) continue;
        const Failure failure = failure_of([&] { read_file(file, size - 1); });
        CHECK(failure.code == Exit::bad_data);
        CHECK(failure.mentions(file.string() + ": is longer than " + std::to_string(size - 1)));
    }
}

TEST_CASE("what cannot be read is named with the reason", "[files]") {
    const TempFolder folder;
    const fs::path file = folder.path() / "none";
    const Failure missing = failure_of([&] { read_file(file, 10); });
    CHECK(missing.code == Exit::missing_input);
    CHECK(missing.mentions(file.string() + ": cannot be opened: No such file or directory"));
    const Failure directory = failure_of([&] { read_file(folder.path(), 10); });
    CHECK(directory.code == Exit::bad_data);
    CHECK(directory.mentions(folder.path().string() + ": is a folder"));
    const fs::path fifo = folder.path() / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    for (const auto& [path, what] :
         std::map<fs::path, std::string>{{fifo, "a FIFO"}, {"/dev/zero", "a device"}}) {
        const Failure failure = failure_of([&] { read_file(path, 10); });
        CHECK(failure.code == Exit::bad_data);
        CHECK(failure.mentions(path.string() + ": is " + what));
    }
}

// FIPS 180-2's examples.
TEST_CASE("SHA-256 agrees with the standard's examples", "[files]") {
    const auto hash = [](const std::string& text) {
        return sha256(std::as_bytes(std::span(text)));
    };
    CHECK(hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hash(std::string(1000000, 'a')) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
