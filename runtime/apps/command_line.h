// What the programs' command lines have in common.
#pragma once

#include <boost/program_options.hpp>
#include <functional>
#include <string>

#include "training/settings.h"

namespace siamc {

struct Program {
    const char* name;
    boost::program_options::options_description options;
    std::function<int(const boost::program_options::variables_map&)> body;  // gives the exit code
    // Settings that count after the command line and --config.
    std::function<Settings(const boost::program_options::variables_map&)> more = {};
};

// A program's main: parses the command line, answers --help, and turns an Error into a message on
// stderr and its exit code.
int run_program(const Program& program, int argc, char** argv);

// The most memory that this process ever held, in MB.
double peak_rss_mb();

// A value that must have been given; usage, naming the flag, if it was not.
std::string required(const boost::program_options::variables_map& values, const std::string& flag);

}  // namespace siamc
