#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace siamc::cli {
namespace {

constexpr std::size_t help_column = 30;

// `text` in lines of at most help_width, all but the first indented.
std::string wrapped(const std::string& first, const std::string& text, std::size_t indent) {
    std::string result, line = first;
    const auto end_line = [&] {
        while (!line.empty() && line.back() == ' ') line.pop_back();
        result += line + "\n";
        line = std::string(indent, ' ');
    };
    const bool has_gap = first.empty() || first.back() == ' ';
    if (!has_gap && first.size() + 1 > indent) end_line();
    line.resize(std::max(line.size(), indent), ' ');
    std::istringstream words(text);
    bool starts = true;
    for (std::string word; words >> word; starts = false) {
        if (!starts && line.size() + 1 + word.size() > help_width) end_line(), starts = true;
        line += (starts ? "" : " ") + word;
    }
    end_line();
    return result;
}

std::string options_text(const Group& group) {
    std::string text = fmt::format("\n{}:\n", group.title);
    for (const Option& option : group.options)
        text += wrapped("  " + flag_column(option), describe(option), help_column);
    return text;
}

std::string examples_text(const std::vector<Example>& examples) {
    if (examples.empty()) return "";
    std::string text = "\nExamples:\n";
    for (const Example& example : examples) {
        text += wrapped("  ", example.line, 2);
        if (!example.what.empty()) text += wrapped("      ", example.what, 6);
    }
    return text;
}

}  // namespace

std::string flag_column(const Option& option) {
    std::string text =
        option.letter ? fmt::format("-{}, --{}", option.letter, option.name) : "--" + option.name;
    if (std::holds_alternative<Flag>(option.kind)) return text;
    text += " arg";
    const std::string& otherwise = option.initial.empty() ? option.fallback : option.initial;
    return otherwise.empty() ? text : text + fmt::format(" (={})", otherwise);
}

std::string describe(const Option& option) {
    const bool says_itself =
        std::holds_alternative<Flag>(option.kind) || std::holds_alternative<Text>(option.kind);
    std::string text = option.help;
    if (!says_itself) text += fmt::format(" ({})", describe_kind(option));
    for (const Needs& needs : option.needs) {
        text += "; with --" + needs.option;
        if (!needs.values.empty()) text += fmt::format(" {}", fmt::join(needs.values, ", "));
    }
    if (option.required) text += "; needed";
    return text;
}

std::string usage_line(const Program& program, const Command& command) {
    std::string text = full_name(program, command);
    for (const Positional& positional : command.positionals)
        text += positional.required ? " " + positional.name : " [" + positional.name + "]";
    for (const Group& group : command.groups)
        for (const Option& option : group.options)
            if (option.required) text += " --" + option.name + " arg";
    return text + " [options]";
}

std::string help_text(const Program& program, const Command& command) {
    std::string text = wrapped("usage: ", usage_line(program, command), 7);
    const std::string& summary = command.name.empty() ? program.summary : command.summary;
    text += "\n" + wrapped("", summary + ". " + command.about, 0);
    if (!command.positionals.empty()) text += "\n";
    for (const Positional& positional : command.positionals)
        text += wrapped("  " + positional.name, positional.help, help_column);
    for (const Group& group : command.groups) text += options_text(group);
    return text + options_text(common_options()) + examples_text(command.examples);
}

std::string help_text(const Program& program) {
    std::string text = fmt::format("usage: {} COMMAND [options]\n\n", program.name);
    text += wrapped("", program.summary + ".", 0) + "\nCommands:\n";
    for (const Command& command : program.commands)
        text += wrapped("  " + command.name, command.summary, 14);
    text += options_text(common_options()) + examples_text(program.examples);
    return text + fmt::format("\n{} COMMAND --help lists the flags of a command.\n", program.name);
}

}  // namespace siamc::cli
