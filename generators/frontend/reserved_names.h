// Names that a model cannot have, since its header would stand in the way of another.
#pragma once

#include <string>

namespace siamc {

// Why a program could not include the header of a model of that name; empty if it can.
std::string name_conflict(const std::string& name);

}  // namespace siamc
