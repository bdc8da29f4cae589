#include "emit/shared_library.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/programs.h"
#include "emit/tables.h"

namespace siamc::compiler {

namespace fs = std::filesystem;

namespace {

// C compilers that link for the target, by the names that they usually have; the first is of the
// package (Debian's name) that is advised.
struct Linkers {
    std::vector<std::string> names;
    std::string package;
};

Linkers linkers_for(const Halide::Target& target) {
    const Halide::Target host = Halide::get_host_target();
    if (host.os == Halide::Target::Linux && host.arch == target.arch && host.bits == target.bits)
        return {{"cc", "gcc", "clang"}, "gcc libc6-dev"};
    if (target.arch == Halide::Target::ARM)
        return {{"aarch64-linux-gnu-gcc"}, "gcc-aarch64-linux-gnu"};
    return {{"x86_64-linux-gnu-gcc"}, "gcc-x86-64-linux-gnu"};
}

// Removes a file that was made on the way.
class Scratch {
  public:
    explicit Scratch(fs::path path) : path_(std::move(path)) {}
    ~Scratch() {
        std::error_code ignored;
        fs::remove(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    std::string text() const { return path_.string(); }

  private:
    fs::path path_;
};

// What would put a path of this machine into the library is kept from the linker.
int run_linker(const std::vector<std::string>& command) {
    try {
        return run_and_wait(command, "LD_RUN_PATH");
    } catch (const std::system_error& error) {
        fail(Exit::missing_input, "{}: {}\n  write: --linker with a C compiler that runs here",
             command[0], error.code().message());
    }
}

[[noreturn]] void fail_to_link(const fs::path& file, const fs::path& archive,
                               const std::vector<std::string>& command, int status) {
    // Of all that a linker may stumble over, this alone can be told from outside: what it links is
    // no larger than the archive.
    std::error_code ignored;
    if (fs::space(fs::absolute(file).parent_path(), ignored).available < fs::file_size(archive))
        fail(Exit::cannot_write,
             "{}: {} could not write it: {}\n  write: make room, or another "
             "folder with -o",
             file.string(), command[0], std::generic_category().message(ENOSPC));
    fail(Exit::cannot_create,
         "{}: {} could not link it ({}), called as\n    {}\n  write: --linker with a C compiler "
         "for the target, or no --shared",
         file.string(), command[0], describe_status(status), fmt::join(command, " "));
}

}  // namespace

std::string find_linker(const LibraryTarget& target, const std::string& wanted) {
    const Halide::Target& base = target.variants.back().target;
    if (base.os != Halide::Target::Linux && base.os != Halide::Target::Android)
        fail(Exit::usage,
             "--shared: makes ELF libraries, for Linux and Android, and {} is neither\n  write: no "
             "--shared, and link the archive into a library with that system's own tools",
             target.name);
    if (!wanted.empty()) {
        if (!find_program(wanted).empty()) return wanted;
        fail(Exit::missing_input, "--linker: no program {}\n  write: a C compiler for {}", wanted,
             target.name);
    }
    if (base.os == Halide::Target::Android)
        fail(Exit::usage,
             "--shared: what links for Android is in its NDK\n  write: --linker "
             "NDK/toolchains/llvm/prebuilt/linux-x86_64/bin/{}-linux-android24-clang",
             base.arch == Halide::Target::ARM ? "aarch64" : "x86_64");
    const Linkers linkers = linkers_for(base);
    for (const std::string& name : linkers.names)
        if (!find_program(name).empty()) return name;
    fail(Exit::missing_input,
         "--shared: no C compiler to link for {} (looked for: {})\n  write: apt-get install {}, or "
         "--linker with another",
         target.name, fmt::join(linkers.names, ", "), linkers.package);
}

void link_shared(const Library& library, const fs::path& archive, const fs::path& file,
                 const std::string& linker) {
    const std::string model = model_symbol(library), alias = library.name + "_model";
    const std::string beside = fs::absolute(file).string();
    const Scratch script(beside + ".exports"), linked(beside + ".linked");
    write_file_atomically(script.text(),
                          fmt::format("{{ global: {}; {}; local: *; }};\n", model, alias));
    std::vector<std::string> command = {linker,
                                        "-shared",
                                        "-o",
                                        linked.text(),
                                        "-Xlinker",
                                        "--version-script=" + script.text(),
                                        fmt::format("-Wl,-soname,lib{}.so", library.name),
                                        fmt::format("-Wl,--defsym={}={}", alias, model)};
    // Its threads run its code, and programs keep pointers to its tables: it stays once loaded.
    for (const char* word :
         {"-Wl,-z,nodelete", "-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack", "-Wl,-z,defs",
          "-Wl,-z,text", "-Wl,--build-id=none", "-Wl,--whole-archive"})
        command.push_back(word);
    command.push_back(fs::absolute(archive).string());
    for (const char* word : {"-Wl,--no-whole-archive", "-Wl,--as-needed"}) command.push_back(word);
    for (const std::string& name : linked_libraries(library.target.variants.back().target))
        command.push_back("-l" + name);
    const int status = run_linker(command);
    if (status != 0 || !fs::exists(linked.text())) fail_to_link(file, archive, command, status);
    write_file_atomically(file, read_file(linked.text(), fs::file_size(linked.text())));
}

}  // namespace siamc::compiler
