#include <fmt/format.h>

#include "cli/documents.h"
#include "cli/help.h"
#include "cli/version.h"

namespace siamc::cli {
namespace {

// troff reads a backslash, a dot or quote at the beginning of a line, and breaks words at hyphens.
std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) result += c == '\\' ? "\\e" : c == '-' ? "\\-" : std::string(1, c);
    return result.starts_with('.') || result.starts_with('\'') ? "\\&" + result : result;
}

std::string option_text(const Option& option) {
    return fmt::format(".TP\n.B {}\n{}\n", escaped(flag_column(option)), escaped(describe(option)));
}

std::string command_text(const Program& program, const Command& command) {
    const bool only = command.name.empty();
    std::string text;
    if (!only)
        text += fmt::format(".SH {}\n{}.\n", escaped(full_name(program, command)),
                            escaped(command.summary));
    text += fmt::format(".PP\n.B {}\n", escaped(usage_line(program, command)));
    if (!command.about.empty()) text += ".PP\n" + escaped(command.about) + "\n";
    for (const Positional& positional : command.positionals)
        text += fmt::format(".TP\n.I {}\n{}\n", positional.name, escaped(positional.help));
    for (const Group& group : command.groups) {
        text += fmt::format(".SS {}\n", escaped(group.title));
        for (const Option& option : group.options) text += option_text(option);
    }
    for (const Example& example : command.examples)
        text +=
            fmt::format(".PP\n.EX\n{}\n.EE\n{}\n", escaped(example.line), escaped(example.what));
    return text;
}

}  // namespace

std::string man_page(const Program& program) {
    std::string text =
        fmt::format(".TH {} 1 \"\" \"siamc {}\"\n.SH NAME\n{} \\- {}\n", escaped(program.name),
                    escaped(project_version()), escaped(program.name), escaped(program.summary));
    if (program.commands.size() == 1 && program.commands[0].name.empty()) text += ".SH OPTIONS\n";
    for (const Command& command : program.commands) text += command_text(program, command);
    text += ".SH COMMON OPTIONS\n";
    for (const Option& option : common_options().options) text += option_text(option);
    return text +
           ".SH EXIT STATUS\n0 fine, 2 wrong usage, 3 training collapsed, 65 bad data, 66 missing "
           "input, 70 a fault of the program, 71 not enough memory, 73 cannot create, 74 cannot "
           "write, 129, 130 and 143 ended by a signal after saving.\n";
}

}  // namespace siamc::cli
