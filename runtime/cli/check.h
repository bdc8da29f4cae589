// The checks of the parser: one value, and options together.
#pragma once

#include <string>

#include "cli/table.h"
#include "cli/values.h"

namespace siamc::cli {

// The value, if the table allows it; usage if not. `where`: "--epochs", or a file and a key.
Values::Value check_value(const Option& option, const std::string& text, const std::string& where);

// usage for required options without a value, and for those of the command line that would
// be ignored beside the others. What stands in a file of flags may be idle: it can serve
// several commands.
void check_needs(const Command& command, const Values& values);

}  // namespace siamc::cli
