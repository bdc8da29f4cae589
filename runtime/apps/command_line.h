// What the programs' command lines have in common.
#pragma once

#include <siamc/siamc.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/table.h"
#include "cli/values.h"
#include "training/settings.h"

namespace siamc {

// The files of flags that a program's --config names: none or one.
std::vector<cli::FlagFile> config_files(const cli::Values& values);

// Settings, as a parser of flags takes them. `where` is for messages.
cli::FlagFile to_flags(const std::string& where, const Settings& settings);

// What several programs' tables have, each in one wording.
cli::Option data_option();
cli::Option threads_option();
cli::Option classes_option(const std::string& help);
cli::Option transpose_option();
cli::Option invert_option();
cli::Option resize_option();

cli::Option config_option();
cli::Option json_option();
cli::Option verbose_option();

// From now on the model's kernels run on that many threads.
void use_threads(const siamc_model& model, int threads);

// Prints the object in one line. A path that is no UTF-8 has U+FFFD for what is none.
void print_json(const nlohmann::ordered_json& object);

// The most memory that this process ever held, in MB.
double peak_rss_mb();

}  // namespace siamc
