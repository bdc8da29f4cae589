// What the protocols of eval_NAME share.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "apps/trained_run.h"
#include "evaluation/accuracy.h"

namespace siamc {

// The sets that figures are quoted on.
constexpr std::uint64_t evaluation_seed = 0;

// Images with their embeddings.
struct Subject {
    TrainedRun& run;
    ImageSet images;
    std::vector<float> embeddings;
};

inline nlohmann::ordered_json interval(const Interval& ci95) {
    return nlohmann::ordered_json::array({ci95.low, ci95.high});
}

// Search, and identification of who may be unknown (eval_search.cpp). Each has the same by pixels
// alone and by chance.
nlohmann::ordered_json retrieval(Subject& subject);
nlohmann::ordered_json open_set(Subject& subject, const cli::Values& values);

}  // namespace siamc
