#include "core/folders.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include "core/error.h"
#include "core/temporary.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_to_create(const fs::path& path, const std::string& why) {
    fail(Exit::cannot_create, "{}: the folder cannot be made or opened: {}: choose another one",
         path.string(), why);
}

[[noreturn]] void fail_to_replace(const fs::path& path, const char* step) {
    const int error = errno;
    fail(Exit::cannot_write, "{}: cannot be {}: {}: check the disk, or write elsewhere",
         path.string(), step, std::strerror(error));
}

Descriptor open_folder(const fs::path& path) {
    return Descriptor(
        uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
}

// " (process 123)" from the system's list of locks, if that shows the holder.
std::string holder_of(const Descriptor& folder) {
    struct stat status {};
    if (::fstat(folder.number(), &status) != 0) return "";
    const std::string inode = fmt::format(":{}", status.st_ino);
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
        std::istringstream words(line);
        std::string number, kind, strictness, access, process, file;
        words >> number >> kind >> strictness >> access >> process >> file;
        if (kind == "FLOCK" && file.ends_with(inode)) return fmt::format(" (process {})", process);
    }
    return "";
}

bool same_folder(const Descriptor& folder, const fs::path& path) {
    struct stat open {
    }, named{};
    return ::fstat(folder.number(), &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
           open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

// Whether this process would be left in the old folder.
bool works_in(const fs::path& folder) {
    std::error_code error;
    const fs::path here = fs::canonical(".", error);
    return error || std::mismatch(folder.begin(), folder.end(), here.begin(), here.end()).first ==
                        folder.end();
}

bool contains(std::span<const std::string> names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

FolderLock FolderLock::take(const fs::path& folder) {
    return lock_folder(folder, IfHeld::fail);
}

FolderLock FolderLock::wait(const fs::path& folder) {
    return lock_folder(folder, IfHeld::wait);
}

FolderLock FolderLock::lock_folder(const fs::path& folder, IfHeld if_held) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) fail_to_create(folder, error.message());
    while (true) {
        Descriptor open = open_folder(folder);
        if (!open.open()) fail_to_create(folder, std::strerror(errno));
        if (if_held == IfHeld::wait) wait_for_lock(open);
        if (if_held == IfHeld::fail && !lock(open)) {
            fail(Exit::cannot_create,
                 "{}: another process{} is writing there: wait for it, or choose another folder",
                 folder.string(), holder_of(open));
        }
        // Its holder may have exchanged it, and gone, since it was opened.
        if (!same_folder(open, folder)) continue;
        remove_strays(open.number());
        const Descriptor parent(::openat(open.number(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (parent.open()) remove_strays(parent.number());
        return {folder, std::move(open)};
    }
}

bool FolderLock::is_empty() const {
    const auto names = names_in(folder_.number());
    if (!names) fail_to_create(path_, std::strerror(errno));
    return names->empty();
}

StagedFolder::StagedFolder(const fs::path& target) {
    std::error_code error;
    target_ = fs::canonical(target, error);
    if (error) fail_to_create(target, error.message());
    path_ = target_ / temporary_name(folder_suffix);
    fs::create_directory(path_, error);
    if (error) fail_to_create(path_, error.message());
    folder_ = open_folder(path_);
    struct stat status {};
    if (!folder_.open() || !lock(folder_) || ::stat(target_.c_str(), &status) != 0 ||
        ::fchmod(folder_.number(), status.st_mode & 07777) != 0) {
        const int reason = errno;
        fs::remove(path_, error);
        fail_to_create(path_, std::strerror(reason));
    }
}

StagedFolder::~StagedFolder() {
    remove_contents(folder_.number());
    ::rmdir(path_.c_str());
}

void StagedFolder::put_in_place(FolderLock& lock, std::span<const std::string> names) {
    if (::fsync(folder_.number()) != 0 && errno != EINVAL) fail_to_replace(path_, "synced to disk");
    if (!exchange(lock, names)) move_entries(names);
}

// False, with everything as it was, if the names cannot be exchanged here.
bool StagedFolder::exchange(FolderLock& lock, std::span<const std::string> names) {
    const Descriptor parent = open_folder(target_.parent_path());
    if (!parent.open() || works_in(target_)) return false;
    const fs::path inside = path_;
    const fs::path beside = target_.parent_path() / inside.filename();
    if (::rename(inside.c_str(), beside.c_str()) != 0) return false;
    path_ = beside;
    carry_over(lock, names);
    if (::renameat2(AT_FDCWD, beside.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) != 0) {
        if (::rename(beside.c_str(), inside.c_str()) != 0) fail_to_replace(target_, "replaced");
        path_ = inside;
        return false;
    }
    std::swap(lock.folder_, folder_);  // the old one stays locked while it goes
    if (::fsync(parent.number()) != 0 && errno != EINVAL)
        fail_to_replace(target_.parent_path(), "synced to disk");
    return true;
}

// A second name for each of the user's files, so that the old folder can go with all of its own.
void StagedFolder::carry_over(const FolderLock& old, std::span<const std::string> names) const {
    constexpr auto links = fs::copy_options::recursive | fs::copy_options::copy_symlinks |
                           fs::copy_options::create_hard_links;
    const auto entries = names_in(old.folder_.number());
    if (!entries) fail_to_create(target_, std::strerror(errno));
    for (const std::string& name : *entries) {
        if (contains(names, name)) continue;
        std::error_code failed;
        fs::copy(target_ / name, path_ / name, links, failed);
        if (failed) {
            fail(Exit::cannot_create,
                 "{}: cannot be kept when its folder is replaced: {}: move it elsewhere",
                 (target_ / name).string(), failed.message());
        }
    }
}

void StagedFolder::put_files_in_place(std::span<const std::string> names) const {
    for (const std::string& name : names) {
        const fs::path parent = (target_ / name).parent_path();
        std::error_code error;
        fs::create_directories(parent, error);
        if (error) fail_to_create(parent, error.message());
    }
    move_entries(names);
}

void StagedFolder::move_entries(std::span<const std::string> names) const {
    for (const std::string& name : names) {
        const fs::path from = path_ / name, to = target_ / name;
        if (::rename(from.c_str(), to.c_str()) == 0) continue;
        if (errno != ENOENT) fail_to_replace(to, "replaced");
        if (::unlink(to.c_str()) != 0 && errno != ENOENT) fail_to_replace(to, "removed");
    }
    const Descriptor target = open_folder(target_);
    if (!target.open() || (::fsync(target.number()) != 0 && errno != EINVAL))
        fail_to_replace(target_, "synced to disk");
}

std::string last_part(const fs::path& path) {
    std::error_code error;
    const fs::path whole = fs::weakly_canonical(path, error);
    return whole.has_filename() ? whole.filename().string()
                                : whole.parent_path().filename().string();
}

}  // namespace siamc
