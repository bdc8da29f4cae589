#include "core/temporary.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "core/error.h"

namespace siamc {
namespace {

constexpr std::string_view prefix = ".siamc-";
constexpr std::size_t random_bytes = 16;

// Whether nobody holds it: its owner, as every writer here, would have it locked.
bool is_abandoned(const Descriptor& stray) {
    struct stat status {};
    return ::fstat(stray.number(), &status) == 0 && status.st_uid == ::geteuid() &&
           ::flock(stray.number(), LOCK_EX | LOCK_NB) == 0;
}

}  // namespace

std::string temporary_name(std::string_view suffix) {
    unsigned char bytes[random_bytes];
    const auto fill = [&] { return ::getrandom(bytes, sizeof bytes, 0); };
    if (uninterrupted(fill) != static_cast<ssize_t>(sizeof bytes))
        fail(Exit::internal, "the system gives no random bytes: {}", std::strerror(errno));
    std::string name(prefix);
    for (const unsigned char byte : bytes) name += fmt::format("{:02x}", byte);
    return name.append(suffix);
}

bool is_temporary_name(std::string_view name, std::string_view suffix) {
    if (name.size() != prefix.size() + 2 * random_bytes + suffix.size()) return false;
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) return false;
    const std::string_view digits = name.substr(prefix.size(), 2 * random_bytes);
    return digits.find_first_not_of("0123456789abcdef") == digits.npos;
}

bool lock(const Descriptor& descriptor) {
    const auto take = [&] { return ::flock(descriptor.number(), LOCK_EX | LOCK_NB); };
    return uninterrupted(take) == 0 || errno != EWOULDBLOCK;
}

void wait_for_lock(const Descriptor& descriptor) {
    uninterrupted([&] { return ::flock(descriptor.number(), LOCK_EX); });
}

std::optional<std::vector<std::string>> names_in(int folder) {
    const int again = ::fcntl(folder, F_DUPFD_CLOEXEC, 0);
    if (again < 0) return std::nullopt;
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again), ::closedir);
    if (!stream) {
        ::close(again);
        return std::nullopt;
    }
    ::rewinddir(stream.get());
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return std::nullopt;
    return names;
}

void remove_contents(int folder) {
    for (const std::string& name : names_in(folder).value_or(std::vector<std::string>())) {
        if (::unlinkat(folder, name.c_str(), 0) == 0) continue;
        const Descriptor inner(
            ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (inner.open()) remove_contents(inner.number());
        ::unlinkat(folder, name.c_str(), AT_REMOVEDIR);
    }
}

void remove_strays(int folder) {
    for (const std::string& name : names_in(folder).value_or(std::vector<std::string>())) {
        const bool is_folder = is_temporary_name(name, folder_suffix);
        if (!is_folder && !is_temporary_name(name, file_suffix)) continue;
        const int kind = is_folder ? O_DIRECTORY : O_NONBLOCK;
        const Descriptor stray(
            ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind));
        if (!stray.open() || !is_abandoned(stray)) continue;
        if (is_folder) remove_contents(stray.number());
        ::unlinkat(folder, name.c_str(), is_folder ? AT_REMOVEDIR : 0);
    }
}

}  // namespace siamc
