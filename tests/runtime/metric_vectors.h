// Of tests of metrics: figures as other software has them, from tests/golden/metric_vectors.json.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/numbers.h"

namespace siamc::test {

// `folder` is the sources'.
inline nlohmann::json metric_vectors(const std::string& folder) {
    std::ifstream file(std::filesystem::path(folder) / "tests/golden/metric_vectors.json");
    return nlohmann::json::parse(file);
}

// They are whole numbers of 1 / 1024.
inline Floats distances_of(const nlohmann::json& each) {
    Floats distances;
    for (const int whole : each["distances"]) distances.push_back(static_cast<float>(whole) / 1024);
    return distances;
}

}  // namespace siamc::test
