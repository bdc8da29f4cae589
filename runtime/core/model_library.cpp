#include "core/model_library.h"

#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <span>

#include "core/error.h"
#include "core/files.h"
#include "core/sha256.h"
#include "core/wording.h"

namespace siamc {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_library_bytes = std::size_t{1} << 30;
constexpr std::size_t longest_manifest = std::size_t{1} << 26;

#if defined(__x86_64__)
constexpr int own_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr int own_machine = EM_AARCH64;
#endif

[[noreturn]] void fail_to_load(const fs::path& file, const std::string& why) {
    fail(Exit::bad_data,
         "{}: not a model's library that can be used here\n  why: {}\n  write: siamc compile "
         "MODEL.toml --shared -o FOLDER again, or --model MODEL.toml",
         printable(file.string()), why);
}

// Why the system's loader must not have these bytes: it maps what their header announces, and dies
// of a library that is cut short. Empty if it may.
std::string fault_of_elf(std::string_view bytes) {
    Elf64_Ehdr header;
    if (bytes.size() < sizeof header || !bytes.starts_with(ELFMAG))
        return "it is no shared library (ELF)";
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != own_machine)
        return "it is for another kind of processor";
    if (header.e_type != ET_DYN) return "it is no shared library, but another kind of ELF file";
    const auto fits = [&](std::uint64_t offset, std::uint64_t size) {
        return offset <= bytes.size() && size <= bytes.size() - offset;
    };
    const std::string cut = "it is damaged: it ends before what its header announces";
    if (header.e_phentsize != sizeof(Elf64_Phdr) ||
        !fits(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr)))
        return cut;
    for (std::size_t p = 0; p < header.e_phnum; ++p) {
        Elf64_Phdr part;
        std::memcpy(&part, bytes.data() + header.e_phoff + p * sizeof part, sizeof part);
        if (part.p_type == PT_LOAD && !fits(part.p_offset, part.p_filesz)) return cut;
    }
    return "";
}

// Whether the manifest beside the library, if there is one, has another SHA-256 of it.
bool is_disowned(const fs::path& file, const std::string& name, std::string_view bytes) {
    const fs::path manifest = file.parent_path() / (name + ".manifest.json");
    std::error_code unreadable;
    if (!fs::is_regular_file(manifest, unreadable)) return false;
    const std::string wanted = sha256(std::as_bytes(std::span(bytes)));
    try {
        const auto object = nlohmann::json::parse(read_file(manifest, longest_manifest));
        for (const auto& entry : object.at("files"))
            if (entry.at("name") == file.filename().string()) return entry.at("sha256") != wanted;
    } catch (const nlohmann::json::exception&) {  // it is damaged itself
    }
    return true;
}

}  // namespace

std::string name_of_library(const fs::path& file) {
    const std::string stem = file.stem().string();
    if (file.extension() != ".so" || !stem.starts_with("lib") || stem.size() < 4)
        fail(Exit::usage,
             "--model: a library is looked into by its name, and {} is not called libNAME.so\n  "
             "write: the library as siamc compile --shared called it",
             printable(file.string()));
    return stem.substr(3);
}

const siamc_model& load_model_library(const fs::path& file) {
    const std::string name = name_of_library(file);
    const std::string bytes = read_file(file, most_library_bytes);
    if (const std::string fault = fault_of_elf(bytes); !fault.empty()) fail_to_load(file, fault);
    if (is_disowned(file, name, bytes))
        fail_to_load(file, "it is not the library that " + name +
                               ".manifest.json beside it tells of: damaged, or of another "
                               "compilation");
    void* library = ::dlopen(fs::absolute(file).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) fail_to_load(file, printable(::dlerror()));
    const void* symbol = ::dlsym(library, (name + "_model").c_str());
    if (!symbol)
        fail_to_load(file, "it has no model " + name +
                               ": a library is called libNAME.so after the model in it");
    const auto& tables = *static_cast<const siamc_model*>(symbol);
    // Of tables of another version nothing but the version can be read.
    if (tables.abi_version != SIAMC_ABI_VERSION)
        fail_to_load(file, fmt::format("it has ABI version {}, this program {}: siamc and this "
                                       "program have to be of one release",
                                       tables.abi_version, SIAMC_ABI_VERSION));
    return tables;
}

}  // namespace siamc
