#include "apps/command_line.h"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <sys/resource.h>

#include <cstdio>
#include <new>

#include "core/error.h"
#include "core/tell.h"

namespace siamc {

namespace po = boost::program_options;

namespace {

// The command line, then the file named by --config for what the command line leaves open. usage
// for a flag that is not known.
po::variables_map parse_command_line(int argc, char** argv, const Program& program) {
    const po::options_description& options = program.options;
    const auto store = [&](const Settings& settings, po::variables_map& values) {
        std::vector<std::string> lines;
        for (const auto& [key, value] : settings) {
            const auto* flag = std::get_if<bool>(&value);
            if (!flag)
                lines.push_back("--" + key + "=" + to_text(value));
            else if (*flag)
                lines.push_back("--" + key);
        }
        po::store(po::command_line_parser(lines).options(options).run(), values);
    };
    try {
        po::variables_map values;
        const po::positional_options_description no_positionals;
        po::store(
            po::command_line_parser(argc, argv).options(options).positional(no_positionals).run(),
            values);
        if (values.count("config"))
            store(read_settings(values["config"].as<std::string>()), values);
        if (program.more) store(program.more(values), values);
        po::notify(values);
        return values;
    } catch (const po::error& error) {
        fail(Exit::usage, "{}\n  write: one of the flags that --help lists", error.what());
    }
}

}  // namespace

int run_program(const Program& program, int argc, char** argv) {
    try {
        occupy_standard_streams();
        const po::variables_map values = parse_command_line(argc, argv, program);
        if (!values.count("help")) return program.body(values);
        fmt::print("{}\n", fmt::streamed(program.options));
        return static_cast<int>(Exit::ok);
    } catch (const Error& error) {
        tell("{}: {}\n", program.name, error.what());
        return static_cast<int>(error.code());
    } catch (const std::bad_alloc&) {
        fmt::print(stderr,
                   "{}: there is not enough memory: end other programs, or raise the limit that "
                   "the shell (ulimit -v) or the container sets\n",
                   program.name);
        return static_cast<int>(Exit::out_of_memory);
    } catch (const std::exception& error) {
        tell("{}: internal error: {}\n", program.name, error.what());
        return static_cast<int>(Exit::internal);
    }
}

double peak_rss_mb() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::string required(const po::variables_map& values, const std::string& flag) {
    if (!values.count(flag)) fail(Exit::usage, "--{} is missing\n  write: see --help", flag);
    return values[flag].as<std::string>();
}

}  // namespace siamc
