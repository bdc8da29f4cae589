// The generated optimisers take the steps that Keras and PyTorch took (make_optimizer_vectors.py).
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "core/buffer.h"
#include "core/model.h"
#include "fc.h"
#include "training/optimizer.h"

using namespace siamc;
using nlohmann::json;

namespace {

// Keras computes 1 - beta2^t in float32, which costs a relative 7e-6 of a step; one rounding of the
// parameter a step is unavoidable. The other package's rule is off thousands of times as much
// (docs/optimizers.md).
double allowance(double travelled, double parameter, std::size_t steps) {
    return 3e-5 * travelled + 0x1p-23 * std::abs(parameter) * static_cast<double>(steps);
}

json load() {
    std::ifstream file(SIAMC_SOURCE_DIR "/tests/golden/optimizer_vectors.json");
    REQUIRE(file);
    return json::parse(file);
}

void follow(const json& vectors, const std::string& package, const std::string& optimizer_name) {
    const json& path = vectors["cases"][package][optimizer_name];
    const auto initial = vectors["initial"].get<std::vector<double>>();
    const Semantics semantics = parse_semantics(package == "torch" ? "pytorch" : package);
    const Model model(fc_model);
    Optimizer optimizer(model, optimizer_name, semantics);
    FloatBuffer parameters = model.flat_buffer(), gradient = model.flat_buffer();
    std::vector<double> travelled(initial.size(), 0.0), before = initial;
    for (std::size_t i = 0; i < initial.size(); ++i)
        parameters.data()[i] = static_cast<float>(initial[i]);
    for (std::size_t s = 0; s < vectors["gradients"].size(); ++s) {
        const auto g = vectors["gradients"][s].get<std::vector<double>>();
        const auto after = path["after"][s].get<std::vector<double>>();
        for (std::size_t i = 0; i < g.size(); ++i) gradient.data()[i] = static_cast<float>(g[i]);
        optimizer.step(parameters, gradient, path["learning_rates"][s].get<double>());
        for (std::size_t i = 0; i < g.size(); ++i) {
            travelled[i] += std::abs(after[i] - before[i]);
            const double error = std::abs(parameters.data()[i] - after[i]);
            INFO(package << " " << optimizer_name << " step " << s + 1 << " parameter " << i);
            REQUIRE(error <= allowance(travelled[i], after[i], s + 1));
        }
        before = after;
    }
}

}  // namespace

TEST_CASE("twenty steps of every optimiser, as Keras and as PyTorch take them") {
    const json vectors = load();
    REQUIRE(vectors["gradients"].size() == 20);
    for (const char* package : {"keras", "torch"})
        for (const char* optimizer : {"adam", "rmsprop", "sgd"})
            follow(vectors, package, optimizer);
}
