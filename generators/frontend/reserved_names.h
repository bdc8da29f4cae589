// Names that a model can have, and those that it cannot, since its header would stand in the way of
// another.
#pragma once

#include <string>

namespace siamc::compiler {

constexpr std::size_t longest_model_name = 40;

// Whether it is an identifier of C, and short.
bool is_model_name(const std::string& name);

// Why a program could not include the header of a model of that name; empty if it can.
std::string name_conflict(const std::string& name);

}  // namespace siamc::compiler
