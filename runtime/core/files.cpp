#include "core/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace siamc {
namespace {

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int number() const { return number_; }
    bool open() const { return number_ >= 0; }
    int close() {
        const int status = ::close(number_);
        number_ = -1;
        return status;
    }

  private:
    int number_;
};

// A new file in a folder, removed again unless it was renamed.
class Temporary {
  public:
    explicit Temporary(int folder) : folder_(folder), descriptor_(create()) {
        exists_ = descriptor_.open();
    }
    ~Temporary() {
        if (exists_) ::unlinkat(folder_, name_.c_str(), 0);
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;

    Descriptor& descriptor() { return descriptor_; }
    int rename(const std::string& to) {
        const int status = ::renameat(folder_, name_.c_str(), folder_, to.c_str());
        if (status == 0) exists_ = false;
        return status;
    }

  private:
    // open() applies the umask, which mkstemp's 0600 would not, and no thread has to touch it. A
    // name that a killed process of the same number left behind is passed over.
    int create() {
        static std::atomic<unsigned> count{0};
        int number = -1;
        do {
            name_ = fmt::format(".siamc-{}-{}.tmp", ::getpid(), count++);
            number = ::openat(folder_, name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                              S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
        } while (number < 0 && (errno == EEXIST || errno == EINTR));
        return number;
    }

    int folder_;
    std::string name_;  // before descriptor_, which sets it
    Descriptor descriptor_;
    bool exists_ = false;
};

[[noreturn]] void fail_to_write(const std::filesystem::path& path, const char* step) {
    const int error = errno;
    fail(Exit::cannot_write,
         "{}: cannot {}: {}: what was there before is untouched; make room, or "
         "write elsewhere",
         path.string(), step, std::strerror(error));
}

bool write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written >= 0)
            bytes.remove_prefix(static_cast<std::size_t>(written));
        else if (errno != EINTR)
            return false;
    }
    return true;
}

}  // namespace

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
    const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
    const auto fail_to_create = [&] {
        fail(Exit::cannot_create,
             "{}: cannot be created: {}: check that its folder exists and may be written to",
             path.string(), std::strerror(errno));
    };
    const Descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.open()) fail_to_create();
    Temporary temporary(folder.number());
    if (!temporary.descriptor().open()) fail_to_create();

    if (!write_all(temporary.descriptor().number(), bytes)) fail_to_write(path, "be written");
    if (::fsync(temporary.descriptor().number()) != 0) fail_to_write(path, "be synced to disk");
    if (temporary.descriptor().close() != 0) fail_to_write(path, "be closed");
    if (temporary.rename(path.filename().string()) != 0) fail_to_write(path, "be put in place");
    // EINVAL says that this kind of file system has no such call, not that syncing failed.
    if (::fsync(folder.number()) != 0 && errno != EINVAL) {
        fail(Exit::cannot_write,
             "{}: its folder cannot be synced to disk: {}: the file is new now, but may be the old "
             "one after a power cut; check the disk",
             path.string(), std::strerror(errno));
    }
}

std::string read_file(const std::filesystem::path& path, std::size_t limit) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.open()) {
        fail(Exit::missing_input, "{}: cannot be opened: {}: check the path and its permissions",
             path.string(), std::strerror(errno));
    }
    struct stat status {};
    if (::fstat(file.number(), &status) == 0 && S_ISDIR(status.st_mode))
        fail(Exit::bad_data, "{}: is a folder: give the path of a file", path.string());

    constexpr std::size_t chunk = 1 << 16;
    std::string bytes;
    while (bytes.size() <= limit) {
        const std::size_t size = bytes.size();
        bytes.resize(size + chunk);
        const ssize_t count = ::read(file.number(), bytes.data() + size, chunk);
        const int error = errno;
        bytes.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (count == 0) return bytes;
        if (count < 0 && error != EINTR) {
            fail(Exit::missing_input, "{}:{}: cannot be read: {}: check the disk", path.string(),
                 size, std::strerror(error));
        }
    }
    fail(Exit::bad_data,
         "{}: is longer than {} bytes, the most that is read: is it the right file?", path.string(),
         limit);
}

}  // namespace siamc
