#include "new_model.h"

#include "core/error.h"
#include "core/files.h"
#include "core/wording.h"
#include "frontend/reserved_names.h"

namespace siamc::compiler {

namespace {

namespace fs = std::filesystem;

// The example's text, where the example's name stands as `from`.
std::string renamed(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    if (at == text.npos) fail(Exit::internal, "siamc new: the example has no {}", in_quotes(from));
    return text.replace(at, from.size(), to);
}

void check_name(const std::string& name) {
    if (!is_model_name(name))
        fail(Exit::usage,
             "NAME: no model can be called {}\n  why: library, header and functions are named "
             "after it\n  write: a letter, then letters, digits or _, {} at most",
             in_quotes(name), longest_model_name);
    if (const std::string conflict = name_conflict(name); !conflict.empty())
        fail(Exit::usage, "NAME: no model can be called {}\n  why: {}\n  write: my_{}", name,
             conflict, name);
}

}  // namespace

std::vector<std::string> example_names() {
    std::vector<std::string> names;
    for (const ExampleModel& example : example_models) names.push_back(example.name);
    return names;
}

std::vector<fs::path> write_new_model(const std::string& name, const ExampleModel& example,
                                      const fs::path& folder) {
    check_name(name);
    const fs::path model = (folder / (name + ".toml")).lexically_normal();
    const fs::path recipes = (folder / (name + ".recipes.toml")).lexically_normal();
    for (const fs::path& file : {model, recipes})
        if (std::error_code unreadable; fs::exists(fs::symlink_status(file, unreadable)))
            fail(Exit::usage,
                 "{}: is there already, and stays as it is\n  write: another NAME, or another "
                 "folder with -o",
                 printable(file.string()));
    fs::create_directories(folder);
    write_file_atomically(model, renamed(example.model, "name = \"" + example.name + "\"",
                                         "name = \"" + name + "\""));
    write_file_atomically(
        recipes, renamed(example.recipes, "models/" + example.name + ".toml", name + ".toml"));
    return {model, recipes};
}

}  // namespace siamc::compiler
