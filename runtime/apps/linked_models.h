// The models and recipes that the build put into this program (cmake/SiamcModel.cmake).
#pragma once

#include <string>

namespace siamc {

// The text of the model's recipes file.
std::string linked_recipes(const std::string& model);

}  // namespace siamc
