#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "core/files.h"
#include "core/folders.h"
#include "runtime/data_helpers.h"
#include "runtime/file_faults.h"

using namespace siamc;
using namespace siamc::test;

namespace {

namespace fs = std::filesystem;

using Listing = std::map<std::string, std::string>;

// Every file below a folder with its contents; a folder without any counts too.
Listing contents(const fs::path& folder) {
    Listing listing;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder))
        if (!entry.is_directory() || fs::is_empty(entry))
            listing[fs::relative(entry.path(), folder).string()] =
                entry.is_regular_file() ? read_file(entry.path(), 1000) : "(no file)";
    return listing;
}

const std::vector<std::string> names = {"a", "b", "c"};

// A target with an old pair of files, and files of the user.
struct Target {
    TempFolder above;
    fs::path path = above.path() / "target";

    Target() {
        fs::create_directories(path / "inner" / "deeper");
        for (const char* name : {"a", "b", "notes", "inner/c", "inner/deeper/d"})
            write_file_atomically(path / name, std::string("old ") + name);
        fs::create_symlink("nowhere", path / "link");
    }
    Listing with(const std::string& a, const std::string& b, const std::string& c) const {
        Listing listing = {{"notes", "old notes"},
                           {"inner/c", "old inner/c"},
                           {"inner/deeper/d", "old inner/deeper/d"},
                           {"link", "(no file)"}};
        for (const auto& [name, bytes] : Listing{{"a", a}, {"b", b}, {"c", c}})
            if (!bytes.empty()) listing[name] = bytes;
        return listing;
    }
    long entries_above() const {
        return std::distance(fs::directory_iterator(above.path()), fs::directory_iterator());
    }
};

void write_new(const StagedFolder& staged) {
    write_file_atomically(staged.path() / "a", "new a");
    write_file_atomically(staged.path() / "c", "new c");
}

}  // namespace

TEST_CASE("a folder has one writer, who is named to others", "[folders]") {
    const TempFolder folder;
    const fs::path path = folder.path() / "deep" / "run";
    {
        const FolderLock lock = FolderLock::take(path);
        CHECK(lock.path() == path);
        const Failure failure = failure_of([&] { FolderLock::take(path); });
        INFO(failure.message);
        CHECK(failure.code == Exit::cannot_create);
        CHECK(failure.mentions(path.string() + ": another process (process " +
                               std::to_string(::getpid()) + ") is writing there"));
    }
    FolderLock::take(path);
    CHECK(contents(path).empty());
    write_file_atomically(path / "file", "");
    for (const fs::path& wrong : {path / "file", path / "file" / "inner"}) {
        const Failure failure = failure_of([&] { FolderLock::take(wrong); });
        CHECK(failure.code == Exit::cannot_create);
        CHECK(failure.mentions(wrong.string()));
    }
}

TEST_CASE("a staged folder takes the old one's place and keeps the user's files", "[folders]") {
    const Target target;
    FolderLock lock = FolderLock::take(target.path);
    REQUIRE(::chmod(target.path.c_str(), 0750) == 0);
    {
        StagedFolder staged(target.path);
        write_new(staged);
        std::ofstream open(target.path / "notes",
                           std::ios::app);  // as a shell's redirection has it
        staged.put_in_place(lock, names);
        open << " and more" << std::flush;
    }
    Listing expected = target.with("new a", "", "new c");
    expected["notes"] = "old notes and more";
    CHECK(contents(target.path) == expected);
    CHECK(target.entries_above() == 1);
    struct stat status {};
    REQUIRE(::stat(target.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0750);
    CHECK(failure_of([&] { FolderLock::take(target.path); }).code == Exit::cannot_create);
    lock = FolderLock::take(target.above.path());
    FolderLock::take(target.path);
}

TEST_CASE("a staged folder that is not put in place leaves nothing", "[folders]") {
    const Target target;
    const FolderLock lock = FolderLock::take(target.path);
    {
        const StagedFolder staged(target.path);
        write_new(staged);
    }
    CHECK(contents(target.path) == target.with("old a", "old b", ""));
    CHECK(target.entries_above() == 1);
}

TEST_CASE("a link to the folder stays one, and its target is replaced", "[folders]") {
    const Target target;
    const fs::path link = target.above.path() / "link";
    fs::create_directory_symlink("target", link);
    FolderLock lock = FolderLock::take(link);
    StagedFolder staged(link);
    write_new(staged);
    staged.put_in_place(lock, names);
    CHECK(fs::is_symlink(link));
    CHECK(contents(target.path) == target.with("new a", "", "new c"));
}

TEST_CASE("the folder that the process works in is replaced file by file", "[folders]") {
    const Target target;
    const fs::path before = fs::current_path();
    for (const fs::path& here : {target.path, target.path / "inner"}) {
        FolderLock lock = FolderLock::take(target.path);
        fs::current_path(here);
        {
            StagedFolder staged(target.path);
            write_new(staged);
            staged.put_in_place(lock, names);
        }
        const Listing seen = contents(here == target.path ? "." : "..");
        fs::current_path(before);
        CHECK(seen == target.with("new a", "", "new c"));
        CHECK(contents(target.path) == seen);
        CHECK(target.entries_above() == 1);
    }
}

TEST_CASE("files that cannot be kept stop the replacement", "[folders]") {
    const Target target;
    const fs::path fifo = target.path / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    Listing before = target.with("old a", "old b", "");
    before["fifo"] = "(no file)";
    FolderLock lock = FolderLock::take(target.path);
    {
        StagedFolder staged(target.path);
        write_new(staged);
        const Failure failure = failure_of([&] { staged.put_in_place(lock, names); });
        INFO(failure.message);
        CHECK(failure.code == Exit::cannot_create);
        CHECK(
            failure.mentions((fs::canonical(target.path) / "fifo").string() + ": cannot be kept"));
    }
    CHECK(contents(target.path) == before);
    CHECK(target.entries_above() == 1);
}

TEST_CASE("a sync that fails after the exchange leaves the new folder whole", "[folders]") {
    const Target target;
    FolderLock lock = FolderLock::take(target.path);
    {
        StagedFolder staged(target.path);
        write_new(staged);
        const Undo undo;
        on_fsync = [&](int descriptor) {
            struct stat synced {
            }, above{};
            ::fstat(descriptor, &synced);
            ::stat(target.above.path().c_str(), &above);
            errno = EIO;
            return synced.st_ino == above.st_ino ? -1 : 0;
        };
        const Failure failure = failure_of([&] { staged.put_in_place(lock, names); });
        CHECK(failure.code == Exit::cannot_write);
        CHECK(failure.mentions("cannot be synced to disk: Input/output error"));
    }
    CHECK(contents(target.path) == target.with("new a", "", "new c"));
    CHECK(target.entries_above() == 1);
    CHECK(failure_of([&] { FolderLock::take(target.path); }).code == Exit::cannot_create);
}

// Ends in the middle of everything; what is left is the old folder or the new one, and the next
// writer tidies up.
TEST_CASE("a killed replacement leaves the old folder or the new one", "[folders]") {
    std::set<bool> outcomes;
    for (int delay = 0; delay < 40; ++delay) {
        const Target target;
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            FolderLock lock = FolderLock::take(target.path);
            StagedFolder staged(target.path);
            write_new(staged);
            staged.put_in_place(lock, names);
            ::pause();
        }
        ::usleep(static_cast<useconds_t>(delay * delay * 15));
        while (delay == 39 && !fs::exists(target.path / "c")) ::usleep(1000);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        FolderLock::take(target.path);
        const Listing left = contents(target.path);
        const bool is_old = left == target.with("old a", "old b", "");
        CHECK((is_old || left == target.with("new a", "", "new c")));
        CHECK(target.entries_above() == 1);
        outcomes.insert(is_old);
    }
    CHECK(outcomes.size() == 2);
}
