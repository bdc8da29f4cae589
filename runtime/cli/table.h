// What a program understands, as one table. From it come the parser and its checks, --help, the man
// page and the completion of bash, so none of them can lag behind another.
//
//   const cli::Program program = {
//       .name = "count",
//       .summary = "count the images of a folder",
//       .commands = {{.groups = {{"Data", {
//                         {.name = "data", .kind = cli::a_folder, .required = true, .help =
//                         "images"},
//                         {.name = "most", .kind = cli::Whole{1, 1000}, .unit = "images",
//                          .initial = "10", .help = "stop after so many"}}}},
//                     .run = count}}};
//   int main(int argc, char** argv) { return cli::run_program(program, argc, argv); }
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace siamc::cli {

class Values;

// Kinds of values. A text is never empty, a number always finite and within its range.
struct Flag {};  // takes no value
struct Text {
    enum class Of { words, file, folder } of = Of::words;  // what bash completes it with
    std::vector<std::string> known = {};                   // for bash too; others are taken as well
};
struct Word {
    std::vector<std::string> known;  // nothing else is taken
};
struct Whole {
    std::int64_t least, most;
};
struct Real {
    double least, most;
    bool above = false, below = false;  // without `least` itself, without `most` itself
};
using Kind = std::variant<Flag, Text, Word, Whole, Real>;

inline const Text a_file = {Text::Of::file}, a_folder = {Text::Of::folder};

// An option has a meaning only if another one is given or, with `values`, is one of these.
struct Needs {
    std::string option;
    std::vector<std::string> values = {};
};

struct Option {
    std::string name;  // without dashes
    char letter = 0;   // its short form
    Kind kind = Text{};
    std::string unit = {};      // of a number: "threads", "pixels"
    std::string initial = {};   // its value where none is given; none if empty
    std::string fallback = {};  // what happens where none is given, in words: "the recipe's"
    bool required = false;
    bool on_line_only = false;              // means nothing in a file of flags
    std::vector<Needs> needs = {};          // all of them must hold
    std::vector<std::string> without = {};  // options beside which it would be ignored
    std::string help = {};
};

struct Group {
    std::string title;
    std::vector<Option> options;
};

// An argument without dashes.
struct Positional {
    std::string name;  // "MODEL"
    std::string help;
    bool required = true;
};

struct Example {
    std::string line;  // as it is typed
    std::string what = {};
};

struct Command {
    std::string name = {};     // empty if the program is its only command
    std::string summary = {};  // a few words, without a full stop
    std::string about = {};    // more, for --help: whole sentences
    std::vector<Positional> positionals = {};
    std::vector<Group> groups = {};
    std::vector<Example> examples = {};
    std::function<int(const Values&)> run = {};  // gives the exit code
};

// Further flags and where they are from.
struct FlagFile {
    std::string where;                                       // for messages: a path
    std::vector<std::pair<std::string, std::string>> flags;  // name, value
};

struct Program {
    std::string name;
    std::string summary;
    std::vector<Command> commands;
    std::vector<Example> examples = {};
    // Files of flags that the command line asks for. It goes before them, the first before others.
    std::function<std::vector<FlagFile>(const Values&)> flag_files = {};
    // What all of these say of flags that none of them gives: before a table's initial values.
    std::function<std::vector<FlagFile>(const Values&)> implied = {};
    // Lines of --version below the program's own: versions of libraries, instruction set.
    std::function<std::vector<std::string>()> versions = {};
    // Bad data is reported as compilers do, FILE:LINE:COLUMN first and without the program's name.
    bool reports_places = false;
};

// Options that every command has.
const Group& common_options();

// The command's option of that name; null if it has none. Common options count.
const Option* find_option(const Command& command, const std::string& name);

// "train_generated", "siamc compile": how the command is called.
std::string full_name(const Program& program, const Command& command);

// What may be written for a value: "a whole number from 1 to 256", "one of adam, sgd".
std::string describe_kind(const Option& option);

}  // namespace siamc::cli
