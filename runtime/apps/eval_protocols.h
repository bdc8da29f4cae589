// What a trained model can do, by a named protocol.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/trained_run.h"

namespace siamc {

// What --protocol knows.
std::vector<std::string> protocol_names();

// What a protocol finds, as --json prints it. Flags are those of eval_NAME.
nlohmann::ordered_json run_protocol(TrainedRun& run, const cli::Values& values);

// The same for people.
void print_result(const nlohmann::ordered_json& result);

}  // namespace siamc
