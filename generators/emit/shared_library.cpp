#include "emit/shared_library.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <system_error>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "emit/tables.h"

extern char** environ;

namespace siamc {

namespace fs = std::filesystem;

namespace {

using Target = Halide::Target;

// C compilers that link for the target, by the names that they usually have; the first is of the
// package (Debian's name) that is advised.
struct Linkers {
    std::vector<std::string> names;
    std::string package;
};

Linkers linkers_for(const Target& target) {
    const Target host = Halide::get_host_target();
    if (host.os == Target::Linux && host.arch == target.arch && host.bits == target.bits)
        return {{"cc", "gcc", "clang"}, "gcc libc6-dev"};
    if (target.arch == Target::ARM) return {{"aarch64-linux-gnu-gcc"}, "gcc-aarch64-linux-gnu"};
    return {{"x86_64-linux-gnu-gcc"}, "gcc-x86-64-linux-gnu"};
}

bool is_program(const fs::path& file) {
    std::error_code ignored;
    return fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0;
}

// As a shell finds it.
bool is_installed(const std::string& name) {
    if (name.find('/') != std::string::npos) return is_program(name);
    const char* path = std::getenv("PATH");
    std::istringstream folders(path ? path : "/usr/bin:/bin");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (is_program(fs::path(folder.empty() ? "." : folder) / name)) return true;
    return false;
}

// The program's exit status, as waitpid has it.
int run(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int error =
        ::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ);
    if (error)
        fail(Exit::missing_input, "{}: {}\n  write: --linker with a C compiler that runs here",
             command[0], std::generic_category().message(error));
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
    return status;
}

}  // namespace

std::string find_linker(const LibraryTarget& target, const std::string& wanted) {
    const Target& base = target.variants.back().target;
    if (base.os != Target::Linux && base.os != Target::Android)
        fail(Exit::usage,
             "--shared: makes ELF libraries, for Linux and Android, and {} is neither\n  write: no "
             "--shared, and link the archive into a library with that system's own tools",
             target.name);
    if (!wanted.empty()) {
        if (is_installed(wanted)) return wanted;
        fail(Exit::missing_input, "--linker: no program {}\n  write: a C compiler for {}", wanted,
             target.name);
    }
    if (base.os == Target::Android)
        fail(Exit::usage,
             "--shared: what links for Android is in its NDK\n  write: --linker "
             "NDK/toolchains/llvm/prebuilt/linux-x86_64/bin/aarch64-linux-android24-clang");
    const Linkers linkers = linkers_for(base);
    for (const std::string& name : linkers.names)
        if (is_installed(name)) return name;
    fail(Exit::missing_input,
         "--shared: no C compiler to link for {} (looked for: {})\n  write: apt-get install {}, or "
         "--linker with another",
         target.name, fmt::join(linkers.names, ", "), linkers.package);
}

void link_shared(const Library& library, const fs::path& archive, const fs::path& file,
                 const std::string& linker) {
    const std::string alias = library.name + "_model";
    const fs::path script = file.string() + ".exports";
    write_file_atomically(
        script, fmt::format("{{ global: {}; {}; local: *; }};\n", model_symbol(library), alias));
    // Its threads run its code, and programs keep pointers to its tables: it stays once loaded.
    const std::vector<std::string> command = {linker,
                                              "-shared",
                                              "-o",
                                              fs::absolute(file).string(),
                                              "-Wl,-soname,lib" + library.name + ".so",
                                              "-Wl,--whole-archive",
                                              fs::absolute(archive).string(),
                                              "-Wl,--no-whole-archive",
                                              "-Xlinker",
                                              "--version-script=" + script.string(),
                                              "-Wl,--defsym=" + alias + "=" + model_symbol(library),
                                              "-Wl,-z,nodelete,-z,relro,-z,now",
                                              "-Wl,-z,defs,-z,text,-z,noexecstack",
                                              "-Wl,--build-id=none",
                                              "-Wl,--as-needed",
                                              "-pthread",
                                              "-ldl",
                                              "-lm"};
    const int status = run(command);
    fs::remove(script);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    // Of all that a linker may stumble over, this alone can be told from outside: what it links is
    // no larger than the archive.
    std::error_code ignored;
    if (fs::space(fs::absolute(file).parent_path(), ignored).available < fs::file_size(archive))
        fail(Exit::cannot_write, "{}: {} could not write it: {}", file.string(), linker,
             std::generic_category().message(ENOSPC));
    fail(Exit::cannot_create, "{}: {} could not link it ({} {})\n  it was called as: {}",
         file.string(), linker, WIFEXITED(status) ? "exit code" : "signal",
         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), fmt::join(command, " "));
}

}  // namespace siamc
