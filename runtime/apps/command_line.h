// What the programs' command lines have in common.
#pragma once

#include <boost/program_options.hpp>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "training/settings.h"

namespace siamc {

// Parses the command line, then the file named by --config for what the command line leaves open.
// usage for a flag that is not known, with what is.
boost::program_options::variables_map parse_command_line(
    int argc, char** argv, const boost::program_options::options_description& options);

// "0-5", "1,3,7" or both mixed, as a sorted list without repeats; usage if it is none of these.
std::vector<int> parse_classes(const std::string& text);

// A folder of IDX files, or "glyphs" for the embedded data set.
Dataset load_data(const std::string& data);

// Runs a program's main: an Error becomes a message on stderr and its exit code.
int run_program(const char* name, const std::function<int()>& body);

// The most memory that this process ever held, in MB.
double peak_rss_mb();

// A value that must have been given; usage, naming the flag, if it was not.
std::string required(const boost::program_options::variables_map& values, const std::string& flag);

}  // namespace siamc
