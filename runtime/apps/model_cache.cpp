#include "apps/model_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <span>
#include <system_error>

#include "core/error.h"
#include "core/files.h"
#include "core/folders.h"
#include "core/model_library.h"
#include "core/programs.h"
#include "core/sha256.h"
#include "core/tell.h"
#include "core/temporary.h"
#include "core/wording.h"

namespace siamc {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_model_bytes = 1 << 20;  // as siamc reads
// siamc exchanges the folder that it writes, so that is one within the one that is held here.
constexpr const char* library_folder = "library";

// What siamc is to compile.
struct Order {
    fs::path siamc, model_file;
    std::string text;  // of the model
    std::string target;
    int batch;
};

Order make_order(const fs::path& model_file, const std::string& target, int batch) {
    std::string text = read_file(model_file, most_model_bytes);
    const fs::path siamc = find_program_beside("siamc");
    if (siamc.empty())
        fail(Exit::missing_input,
             "--model: {} has to be compiled, and there is no program siamc beside this one or in "
             "PATH\n  write: cmake --build build --target siamc, or a PATH with siamc's folder, or "
             "--model libNAME.so of siamc compile --shared",
             printable(model_file.string()));
    return {siamc, model_file, std::move(text), target, batch};
}

// The compiler by its bytes: its version, commit and tables of tiles are all in them.
std::string key_of(const Order& order) {
    const std::string all = fmt::format("{}\n{}\n{}\n{}", sha256_of_file(order.siamc), order.target,
                                        order.batch, order.text);
    return sha256(std::as_bytes(std::span(all))).substr(0, 32);
}

// Empty if nothing says where.
fs::path cache_folder() {
    const auto variable = [](const char* name) -> fs::path {
        const char* text = std::getenv(name);
        const fs::path path = text ? text : "";
        return path.is_absolute() ? path : fs::path();  // as the XDG specification has it
    };
    if (const fs::path cache = variable("XDG_CACHE_HOME"); !cache.empty()) return cache / "siamc";
    const fs::path home = variable("HOME");
    return home.empty() ? home : home / ".cache" / "siamc";
}

// The library in a folder that siamc wrote, whatever the model's name; empty if there is none.
fs::path library_in(const fs::path& folder) {
    std::error_code unreadable;
    for (fs::directory_iterator at(folder, unreadable), end; !unreadable && at != end;
         at.increment(unreadable))
        if (at->path().extension() == ".so") return at->path();
    return {};
}

// What is there and whole; null otherwise.
const siamc_model* load_kept(const fs::path& folder) {
    const fs::path library = library_in(folder);
    if (library.empty()) return nullptr;
    try {
        return &load_model_library(library);
    } catch (const Error&) {
        return nullptr;
    }
}

[[noreturn]] void fail_to_compile(const Order& order, int status) {
    const auto code = static_cast<Exit>(WIFEXITED(status) ? WEXITSTATUS(status) : 0);
    const std::string file = printable(order.model_file.string());
    switch (code) {
        case Exit::usage:
        case Exit::bad_data:
        case Exit::missing_input:
        case Exit::out_of_memory:
        case Exit::cannot_create:
        case Exit::cannot_write:
            fail(code, "--model: {} was not compiled; siamc said above why", file);
        default:
            fail(Exit::internal,
                 "--model: {} was not compiled\n  why: {} ended with {}\n  write: siamc compile {} "
                 "to see more",
                 file, order.siamc.string(), describe_status(status), file);
    }
}

const siamc_model& compile_into(const fs::path& folder, const Order& order) {
    const std::string file = order.model_file.string();
    int status = 0;
    try {
        status = run_and_wait({order.siamc.string(), "compile",
                               file.starts_with('-') ? "./" + file : file, "--target", order.target,
                               "--batch", fmt::format("{}", order.batch), "--shared", "--quiet",
                               "-o", folder.string()});
    } catch (const std::system_error& error) {
        fail(Exit::missing_input,
             "--model: {} cannot be run: {}\n  write: a PATH with another siamc",
             order.siamc.string(), error.code().message());
    }
    if (status != 0) fail_to_compile(order, status);
    if (read_file(order.model_file, most_model_bytes) != order.text) {
        std::error_code ignored;
        fs::remove_all(folder, ignored);  // it would be taken for what the file was before
        fail(Exit::bad_data,
             "--model: {} was changed while it was compiled\n  write: the same again",
             printable(file));
    }
    return load_model_library(library_in(folder));
}

// For this process alone, and gone with the object: a library that is loaded needs its file no
// longer. Held, or another siamc would take it for a killed one's and tidy it away.
class TemporaryFolder {
  public:
    TemporaryFolder()
        : path_(make(fs::temp_directory_path() / temporary_name(folder_suffix))),
          lock_(FolderLock::take(path_)) {}
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const fs::path& path() const { return path_; }

  private:
    static fs::path make(fs::path path) {
        if (::mkdir(path.c_str(), S_IRWXU) != 0)
            throw fs::filesystem_error("mkdir", path, {errno, std::generic_category()});
        return path;
    }

    fs::path path_;
    FolderLock lock_;
};

// A folder of the cache, held by this process; none if it cannot be made.
std::optional<FolderLock> take_entry(const fs::path& entry) {
    try {
        return FolderLock::wait(entry);
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace

const siamc_model& compiled_model(const fs::path& model_file, const std::string& target,
                                  int batch) {
    const Order order = make_order(model_file, target, batch);
    const std::string file = printable(model_file.string());
    const fs::path cache = cache_folder();
    const fs::path entry = cache / key_of(order), folder = entry / library_folder;
    const std::optional<FolderLock> held = cache.empty() ? std::nullopt : take_entry(entry);
    if (held)
        if (const siamc_model* kept = load_kept(folder)) return *kept;
    if (held && ::access(entry.c_str(), W_OK) == 0) {
        tell("compiling {} (once; kept in {})\n", file, printable(entry.string()));
        return compile_into(folder, order);
    }
    tell("compiling {} (each time: the cache {} cannot be written)\n", file,
         printable(cache.string()));
    const TemporaryFolder temporary;
    return compile_into(temporary.path() / library_folder, order);
}

}  // namespace siamc
