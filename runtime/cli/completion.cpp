#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/documents.h"

namespace siamc::cli {
namespace {

std::string flags_of(const Command& command) {
    std::string flags;
    const auto add = [&](const Group& group) {
        for (const Option& option : group.options) {
            if (option.letter) flags += fmt::format("-{} ", option.letter);
            flags += fmt::format("--{} ", option.name);
        }
    };
    for (const Group& group : command.groups) add(group);
    add(common_options());
    flags.pop_back();
    return flags;
}

// What bash's compgen is given for an option's value; empty for a number.
std::string values_of(const Option& option) {
    if (const auto* word = std::get_if<Word>(&option.kind))
        return fmt::format("-W '{}'", fmt::join(word->known, " "));
    const auto* text = std::get_if<Text>(&option.kind);
    if (!text) return "";
    std::string result;
    if (!text->known.empty()) result = fmt::format("-W '{}'", fmt::join(text->known, " "));
    if (text->of == Text::Of::folder) result += " -d";
    if (text->of == Text::Of::file) result += " -f";
    return result;
}

std::string case_of(const Option& option) {
    const std::string names =
        option.letter ? fmt::format("--{}|-{}", option.name, option.letter) : "--" + option.name;
    return fmt::format("                {}) reply {};;\n", names, values_of(option));
}

std::string case_of(const Command& command) {
    std::string cases;
    for (const Group& group : command.groups)
        for (const Option& option : group.options)
            if (!std::holds_alternative<Flag>(option.kind)) cases += case_of(option);
    cases += fmt::format("                *) reply -W '{}'{};;\n", flags_of(command),
                         command.positionals.empty() ? "" : " -f");
    return fmt::format("        {})\n            case $previous in\n{}            esac;;\n",
                       command.name.empty() ? "*" : command.name, cases);
}

std::string names_of(const Program& program) {
    std::string names;
    for (const Command& command : program.commands)
        if (!command.name.empty()) names += command.name + " ";
    return names + "help -h --help --version";
}

}  // namespace

std::string bash_completion(const Program& program) {
    const bool has_commands = !program.commands[0].name.empty();
    std::string text = fmt::format(
        "# bash completion for {0}; made from the table of its flags\n"
        "_{0}() {{\n"
        "    local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}\n"
        "    reply() {{ [[ $# = 0 ]] || mapfile -t COMPREPLY < <(compgen \"$@\" -- \"$word\"); }}\n"
        "    COMPREPLY=()\n",
        program.name);
    if (has_commands)
        text +=
            fmt::format("    [[ $COMP_CWORD = 1 ]] && reply -W '{}' && unset -f reply && return\n",
                        names_of(program));
    text += "    case ${COMP_WORDS[1]} in\n";
    for (const Command& command : program.commands) text += case_of(command);
    return text + fmt::format(
                      "    esac\n    unset -f reply\n}}\n"
                      "complete -o filenames -F _{0} {0}\n",
                      program.name);
}

}  // namespace siamc::cli
