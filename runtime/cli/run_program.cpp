#include "cli/run_program.h"

#include <csignal>
#include <filesystem>
#include <new>
#include <system_error>

#include "cli/documents.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/version.h"
#include "core/error.h"
#include "core/tell.h"
#include "core/wording.h"

namespace siamc::cli {
namespace {

int run_command(const Program& program, const Command& command,
                const std::vector<std::string>& arguments) {
    const Values values = parse(program, command, arguments);
    if (values.flag("help"))
        print("{}", help_text(program, command));
    else if (values.flag("version"))
        print("{}", version_text(program));
    else
        return command.run(values);
    return static_cast<int>(Exit::ok);
}

const Command& find_command(const Program& program, const std::string& name) {
    std::vector<std::string> known;
    for (const Command& command : program.commands) {
        if (command.name == name) return command;
        known.push_back(command.name);
    }
    const std::string near = nearest(name, known);
    fail(Exit::usage, "no command '{}'\n  write: {}", printable(name),
         near.empty() ? "one of " + listed(known) : near);
}

// siamc help, siamc help compile, siamc --help, siamc --version.
int answer(const Program& program, const std::vector<std::string>& arguments) {
    if (arguments[0] == "--version")
        print("{}", version_text(program));
    else if (arguments[0] == "help" && arguments.size() > 1)
        print("{}", help_text(program, find_command(program, arguments[1])));
    else
        print("{}", help_text(program));
    return static_cast<int>(Exit::ok);
}

int run_arguments(const Program& program, std::vector<std::string> arguments) {
    if (arguments.size() == 2 && arguments[0] == "--generate") {
        print("{}", arguments[1] == "man" ? man_page(program) : bash_completion(program));
        return static_cast<int>(Exit::ok);
    }
    if (program.commands[0].name.empty())
        return run_command(program, program.commands[0], arguments);
    if (arguments.empty()) {
        tell("{}", help_text(program));
        return static_cast<int>(Exit::usage);
    }
    for (const char* word : {"help", "-h", "--help", "--version"})
        if (arguments[0] == word) return answer(program, arguments);
    const Command& command = find_command(program, arguments[0]);
    arguments.erase(arguments.begin());
    return run_command(program, command, arguments);
}

// The exit code for a reason that the system gave.
Exit code_of(const std::error_code& reason) {
    if (reason == std::errc::no_such_file_or_directory || reason == std::errc::not_a_directory)
        return Exit::missing_input;
    if (reason == std::errc::permission_denied || reason == std::errc::read_only_file_system ||
        reason == std::errc::file_exists || reason == std::errc::is_a_directory)
        return Exit::cannot_create;
    if (reason == std::errc::not_enough_memory) return Exit::out_of_memory;
    if (reason == std::errc::resource_unavailable_try_again)
        return Exit::out_of_memory;  // no thread
    return Exit::cannot_write;
}

// Says what is wrong; the library's words for it ("filesystem error: …") are not for users.
int report_error(const Program& program) {
    const auto report = [&](Exit code, const std::string& message) {
        const bool place_first = program.reports_places && code == Exit::bad_data;
        tell("{}{}\n", place_first ? "" : program.name + ": ", message);
        return static_cast<int>(code);
    };
    try {
        throw;
    } catch (const Error& error) {
        return report(error.code(), error.what());
    } catch (const std::bad_alloc&) {
        return report(Exit::out_of_memory,
                      "not enough memory\n  give the process more (ulimit -v, the container's "
                      "limit), or less to hold: fewer images, a smaller --batch");
    } catch (const std::filesystem::filesystem_error& error) {
        return report(
            code_of(error.code()),
            fmt::format("{}: {}", printable(error.path1().string()), error.code().message()));
    } catch (const std::system_error& error) {
        return report(code_of(error.code()), error.code().message());
    } catch (const std::exception& error) {
        return report(Exit::internal, fmt::format("internal error: {}", error.what()));
    }
}

}  // namespace

int run_program(const Program& program, int argc, char** argv) noexcept {
    occupy_standard_streams();
    // A reader that went away is an error of the call that writes, not the end of the program.
    std::signal(SIGPIPE, SIG_IGN);
    int code = 0;
    try {
        code = run_arguments(program, {argv + 1, argv + argc});
    } catch (...) {
        code = report_error(program);
    }
    try {
        flush_output();
    } catch (...) {
        const int lost = report_error(program);
        if (code == 0) code = lost;
    }
    return code;
}

}  // namespace siamc::cli
