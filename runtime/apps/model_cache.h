// Models that are compiled when a program is asked for them, and kept for the next time.
#pragma once

#include <siamc/siamc.h>

#include <filesystem>
#include <string>

namespace siamc {

// The tables of the model that a TOML file describes, for a target of `siamc targets` and up to so
// many tuples a step. What is not in the cache, or is damaged there, the program siamc compiles: it
// is looked for beside the program that runs, then in PATH. The cache is $XDG_CACHE_HOME/siamc or
// ~/.cache/siamc, with a folder for each model, siamc, target and batch; where it cannot be written
// a temporary folder does. Processes that want the same wait for the first of them.
//
// missing_input if the file or siamc is not there; with siamc's own exit code, which has said why
// on stderr, if it does not compile the model. Errors of load_model_library.
const siamc_model& compiled_model(const std::filesystem::path& model_file,
                                  const std::string& target, int batch);

}  // namespace siamc
