#include "cli/parse.h"

#include <algorithm>
#include <boost/program_options.hpp>

#include "cli/check.h"
#include "core/error.h"
#include "core/wording.h"

namespace siamc::cli {
namespace {

namespace po = boost::program_options;

// The table, as Boost wants it. Values stay texts: check_value() judges them.
po::options_description boost_options(const Command& command) {
    po::options_description all;
    const auto add = [&](const Group& group) {
        for (const Option& option : group.options) {
            std::string name = option.name;
            if (option.letter) name += std::string(",") + option.letter;
            if (std::holds_alternative<Flag>(option.kind))
                all.add_options()(name.c_str(), "");
            else
                all.add_options()(name.c_str(), po::value<std::string>(), "");
        }
    };
    for (const Group& group : command.groups) add(group);
    add(common_options());
    return all;
}

std::string see_help(const Program& program, const Command& command) {
    return fmt::format("one of the flags that {} --help lists", full_name(program, command));
}

[[noreturn]] void fail_unknown(const Program& program, const Command& command,
                               const std::string& token) {
    const std::string flag = token.substr(0, token.find('='));
    std::vector<std::string> known;
    for (const Group& group : command.groups)
        for (const Option& option : group.options) known.push_back("--" + option.name);
    for (const Option& option : common_options().options) known.push_back("--" + option.name);
    const std::string near = flag.starts_with("--") ? nearest(flag, known) : "";
    fail(Exit::usage, "{}: no such flag\n  write: {}", printable(flag),
         near.empty() ? see_help(program, command) : near);
}

// Boost's own words name neither the value nor what to write.
[[noreturn]] void fail_syntax(const Program& program, const Command& command,
                              const po::invalid_syntax& error) {
    std::string name = error.get_option_name();
    name.erase(0, std::min(name.find_first_not_of('-'), name.size()));
    const Option* option = find_option(command, name);
    if (!option)
        for (const Group& group : command.groups)
            for (const Option& other : group.options)
                if (name.size() == 1 && other.letter == name[0]) option = &other;
    const std::string flag = option ? "--" + option->name : error.get_option_name();
    if (option && std::holds_alternative<Flag>(option->kind))
        fail(Exit::usage, "{}: takes no value\n  write: {}", flag, flag);
    if (option)
        fail(Exit::usage, "{}: its value is missing\n  write: {} and {}", flag, flag,
             describe_kind(*option));
    fail(Exit::usage, "{}: no such flag\n  write: {}", printable(flag), see_help(program, command));
}

std::vector<po::option> tokens(const Program& program, const Command& command,
                               const std::vector<std::string>& arguments) {
    const po::options_description options = boost_options(command);
    // No guessing: "--epoch" would mean another flag as soon as a program gets one more.
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    try {
        return po::command_line_parser(arguments)
            .options(options)
            .style(style)
            .allow_unregistered()
            .run()
            .options;
    } catch (const po::invalid_syntax& error) {
        fail_syntax(program, command, error);
    } catch (const po::error& error) {
        fail(Exit::usage, "{}\n  write: {}", error.what(), see_help(program, command));
    }
}

void take_positionals(const Program& program, const Command& command,
                      const std::vector<po::option>& tokens, Values& values) {
    std::vector<std::string> given;
    for (const po::option& token : tokens)
        if (token.position_key >= 0) given.push_back(token.value.front());
    const std::size_t most = command.positionals.size();
    if (given.size() > most)
        fail(Exit::usage, "'{}': {} takes {}\n  write: {} --help for what it takes",
             printable(given[most]), full_name(program, command),
             most == 0 ? "no argument without a flag" : "no further argument",
             full_name(program, command));
    for (std::size_t i = 0; i < most; ++i) {
        const Positional& positional = command.positionals[i];
        if (i < given.size() && given[i].empty())
            fail(Exit::usage, "{}: '' is no {}\n  write: {}", positional.name, positional.name,
                 positional.help);
        if (i < given.size())
            values.set(positional.name, given[i], Values::From::line);
        else if (positional.required)
            fail(Exit::usage, "{} is missing\n  write: {} {}", positional.name,
                 full_name(program, command), positional.name);
    }
}

[[noreturn]] void fail_key(const Program& program, const Command& command, const std::string& where,
                           const std::string& key) {
    std::vector<std::string> known;
    for (const Group& group : command.groups)
        for (const Option& option : group.options)
            if (!option.on_line_only) known.push_back(option.name);
    const std::string near = nearest(key, known);
    fail(Exit::usage, "{}: {}: no such flag\n  write: {}", printable(where), printable(key),
         near.empty() ? see_help(program, command) + ", without its dashes" : near);
}

void take_file(const Program& program, const Command& command, const FlagFile& file,
               Values& values) {
    for (const auto& [name, text] : file.flags) {
        const Option* option = find_option(command, name);
        if (!option || option->on_line_only) fail_key(program, command, file.where, name);
        const Values::Value value = check_value(*option, text, file.where + ": " + name);
        if (!values.given(name)) values.set(name, value, Values::From::file);
    }
}

void take_initial_values(const Command& command, Values& values) {
    for (const Group& group : command.groups)
        for (const Option& option : group.options) {
            if (values.has(option.name)) continue;
            if (std::holds_alternative<Flag>(option.kind))
                values.set(option.name, false, Values::From::table);
            else if (!option.initial.empty())
                values.set(option.name, check_value(option, option.initial, "--" + option.name),
                           Values::From::table);
        }
}

void take_flags(const Program& program, const Command& command,
                const std::vector<po::option>& given, Values& values) {
    for (const po::option& token : given) {
        if (token.position_key >= 0) continue;
        if (token.unregistered) fail_unknown(program, command, token.original_tokens.front());
        const Option& option = *find_option(command, token.string_key);
        const std::string flag = "--" + option.name;
        const bool takes_value = !std::holds_alternative<Flag>(option.kind);
        if (takes_value && values.has(option.name))  // a switch may repeat
            fail(Exit::usage, "{}: given twice\n  write: {} once", flag, flag);
        values.set(option.name, takes_value ? check_value(option, token.value.front(), flag) : true,
                   Values::From::line);
    }
}

}  // namespace

Values parse(const Program& program, const Command& command,
             const std::vector<std::string>& arguments) {
    Values values;
    const std::vector<po::option> given = tokens(program, command, arguments);
    for (const Option& common : common_options().options) {
        const bool wanted = std::any_of(given.begin(), given.end(), [&](const po::option& token) {
            return token.string_key == common.name;
        });
        values.set(common.name, wanted, Values::From::table);
        if (wanted) return values;
    }
    take_flags(program, command, given, values);
    take_positionals(program, command, given, values);
    if (program.flag_files)
        for (const FlagFile& file : program.flag_files(values))
            take_file(program, command, file, values);
    if (program.implied)
        for (const FlagFile& file : program.implied(values))
            take_file(program, command, file, values);
    take_initial_values(command, values);
    check_needs(command, values);
    return values;
}

}  // namespace siamc::cli
