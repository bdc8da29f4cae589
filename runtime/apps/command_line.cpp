#include "apps/command_line.h"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <sys/resource.h>

#include <charconv>
#include <cstdio>
#include <new>
#include <set>

#include "core/error.h"
#include "core/tell.h"
#include "data/glyphs.h"

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

std::vector<int> parse_classes(const std::string& text) {
    std::set<int> classes;
    const char *at = text.data(), *end = at + text.size();
    const auto number = [&] {
        int value = 0;
        const auto [next, error] = std::from_chars(at, end, value);
        if (error != std::errc() || value < 0)
            fail(Exit::usage, "--classes: '{}' is no list of classes\n  write: as in 0-5 or 1,3,7",
                 text);
        at = next;
        return value;
    };
    while (true) {
        const int first = number();
        int last = first;
        if (at != end && *at == '-') {
            ++at;
            last = number();
        }
        for (int c = first; c <= last && c < first + 100000; ++c) classes.insert(c);
        if (at == end) break;
        if (*at++ != ',') at = end;  // number() then says what is wrong
    }
    return {classes.begin(), classes.end()};
}

Dataset load_data(const std::string& data) {
    return data == "glyphs" ? default_glyphs() : load_dataset(data);
}

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
