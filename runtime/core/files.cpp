#include "core/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/descriptor.h"
#include "core/error.h"
#include "core/temporary.h"

namespace siamc {
namespace {

// A new file in a folder, removed again unless it was renamed. It stays locked as long as it has
// this name, closed or not.
class Temporary {
  public:
    explicit Temporary(int folder) : folder_(folder) {
        constexpr int most_tries = 100;  // the next writer may take a new file for a stray
        for (int tries = 0; tries < most_tries && !create() && errno == EEXIST; ++tries) continue;
    }
    ~Temporary() {
        if (exists_) ::unlinkat(folder_, name_.c_str(), 0);
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;

    bool exists() const { return exists_; }
    int number() const { return descriptor_.number(); }
    bool close() { return descriptor_.close(); }
    bool rename(const std::string& to) {
        const auto move = [&] { return ::renameat(folder_, name_.c_str(), folder_, to.c_str()); };
        if (uninterrupted(move) != 0) return false;
        exists_ = false;
        return true;
    }

  private:
    bool create() {
        name_ = temporary_name(file_suffix);
        // open() applies the umask, which mkstemp's 0600 would not, and no thread has to touch it.
        descriptor_ = Descriptor(uninterrupted([&] {
            return ::openat(folder_, name_.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                            S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
        }));
        if (!descriptor_.open()) return false;
        exists_ = true;
        holder_ = Descriptor(::fcntl(descriptor_.number(), F_DUPFD_CLOEXEC, 0));
        if (!holder_.open()) return forget();
        struct stat status {};
        if (lock(holder_) && ::fstat(number(), &status) == 0 && status.st_nlink > 0) return true;
        errno = EEXIST;
        return forget();
    }
    bool forget() {
        const int error = errno;
        ::unlinkat(folder_, name_.c_str(), 0);
        exists_ = false;
        errno = error;
        return false;
    }

    int folder_;
    std::string name_;
    Descriptor descriptor_, holder_;
    bool exists_ = false;
};

// What there is instead of a regular file, in words.
const char* kind_in_words(mode_t mode) {
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISLNK(mode)) return "a symbolic link";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

[[noreturn]] void fail_to_create(const std::filesystem::path& path) {
    const int error = errno;
    fail(Exit::cannot_create,
         "{}: cannot be created: {}: check that its folder exists and may be written to",
         path.string(), std::strerror(error));
}

[[noreturn]] void fail_to_write(const std::filesystem::path& path, const char* step) {
    const int error = errno;
    fail(Exit::cannot_write,
         "{}: cannot {}: {}: what was there before is untouched; make room, or "
         "write elsewhere",
         path.string(), step, std::strerror(error));
}

// Only a regular file, or nothing, may stand where a file is to be.
void check_replaceable(int folder, const std::filesystem::path& path) {
    struct stat status {};
    const std::string name = path.filename().string();
    if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT && !name.empty()) return;
        fail_to_create(path);
    }
    if (S_ISREG(status.st_mode)) return;
    fail(Exit::cannot_create, "{}: cannot be replaced: it is {}: give the path of a plain file",
         path.string(), kind_in_words(status.st_mode));
}

bool write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written =
            uninterrupted([&] { return ::write(descriptor, bytes.data(), bytes.size()); });
        if (written == 0) errno = EIO;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
    const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
    const Descriptor folder(
        uninterrupted([&] { return ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (!folder.open()) fail_to_create(path);
    check_replaceable(folder.number(), path);
    remove_strays(folder.number());
    Temporary temporary(folder.number());
    if (!temporary.exists()) fail_to_create(path);

    if (!write_all(temporary.number(), bytes)) fail_to_write(path, "be written");
    if (::fsync(temporary.number()) != 0) fail_to_write(path, "be synced to disk");
    if (!temporary.close()) fail_to_write(path, "be closed");
    if (!temporary.rename(path.filename().string())) fail_to_write(path, "be put in place");
    // EINVAL says that this kind of file system has no such call, not that syncing failed.
    if (::fsync(folder.number()) != 0 && errno != EINVAL) {
        fail(Exit::cannot_write,
             "{}: its folder cannot be synced to disk: {}: the file is new now, but may be the old "
             "one after a power cut; check the disk",
             path.string(), std::strerror(errno));
    }
}

InputFile open_input(const std::filesystem::path& path) {
    // Without waiting: opening a FIFO would wait for its writer.
    Descriptor file(uninterrupted(
        [&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); }));
    if (!file.open()) {
        fail(Exit::missing_input, "{}: cannot be opened: {}: check the path and its permissions",
             path.string(), std::strerror(errno));
    }
    struct stat status {};
    if (::fstat(file.number(), &status) != 0) {
        fail(Exit::missing_input, "{}: cannot be looked at: {}: check the disk", path.string(),
             std::strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        fail(Exit::bad_data, "{}: is {}: give the path of a plain file", path.string(),
             kind_in_words(status.st_mode));
    }
    return {std::move(file), static_cast<std::uint64_t>(status.st_size)};
}

std::string read_file(const std::filesystem::path& path, std::size_t limit) {
    const InputFile input = open_input(path);
    const Descriptor& file = input.descriptor;
    constexpr std::size_t chunk = 1 << 16;
    const auto stated = static_cast<std::size_t>(input.bytes);
    std::string bytes;
    bytes.reserve(std::min(stated, limit) + chunk);  // asked for, but not touched yet
    while (bytes.size() <= limit && stated <= limit) {
        const std::size_t size = bytes.size();
        bytes.resize(size + chunk);
        const ssize_t count =
            uninterrupted([&] { return ::read(file.number(), bytes.data() + size, chunk); });
        const int error = errno;
        bytes.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (count == 0) return bytes;
        if (count < 0) {
            fail(Exit::missing_input, "{}:{}: cannot be read: {}: check the disk", path.string(),
                 size, std::strerror(error));
        }
    }
    fail(Exit::bad_data,
         "{}: is longer than {} bytes, the most that is read: is it the right file?", path.string(),
         limit);
}

}  // namespace siamc
