#include "cli/table.h"

#include <fmt/format.h>

#include "core/wording.h"

namespace siamc::cli {
namespace {

// "1 to 256 threads", "above 0, at most 1e+30".
std::string describe_range(const Real& range) {
    if (!range.above && !range.below)
        return fmt::format("from {:g} to {:g}", range.least, range.most);
    return fmt::format("{} {:g} and {} {:g}", range.above ? "above" : "at least", range.least,
                       range.below ? "below" : "at most", range.most);
}

}  // namespace

const Group& common_options() {
    static const Group group = {
        "Help",
        {{.name = "help", .letter = 'h', .kind = Flag{}, .help = "print this text"},
         {.name = "version", .kind = Flag{}, .help = "print versions and the instruction set"}}};
    return group;
}

const Option* find_option(const Command& command, const std::string& name) {
    for (const Group& group : command.groups)
        for (const Option& option : group.options)
            if (option.name == name) return &option;
    for (const Option& option : common_options().options)
        if (option.name == name) return &option;
    return nullptr;
}

std::string full_name(const Program& program, const Command& command) {
    return command.name.empty() ? program.name : program.name + " " + command.name;
}

std::string describe_kind(const Option& option) {
    const std::string unit = option.unit.empty() ? "" : " " + option.unit;
    if (const auto* whole = std::get_if<Whole>(&option.kind))
        return fmt::format("a whole number from {} to {}{}", whole->least, whole->most, unit);
    if (const auto* real = std::get_if<Real>(&option.kind))
        return fmt::format("a number {}{}", describe_range(*real), unit);
    if (const auto* word = std::get_if<Word>(&option.kind)) return listed(word->known, "or");
    if (std::holds_alternative<Flag>(option.kind)) return "true or false";
    const Text::Of of = std::get<Text>(option.kind).of;
    return of == Text::Of::file ? "a file" : of == Text::Of::folder ? "a folder" : "a text";
}

}  // namespace siamc::cli
