// Models that the language allows, drawn at random.
#pragma once

#include <string>

namespace siamc::compiler::test {

// The text of a valid model, the same for a seed in every run: images of 1 to 40 pixels each way
// and up to 8 channels, up to seven layers of all kinds, activations, strides, paddings, every
// distance and loss. `for_device`: without layers that are not made for devices.
std::string random_model(unsigned seed, bool for_device = false);

}  // namespace siamc::compiler::test
