// Twenty steps of the generated optimisers against what Keras and PyTorch did
// (make_optimizer_vectors.py).
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "core/model.h"
#include "fc.h"
#include "training/optimizer.h"

namespace siamc {

namespace {

using Json = nlohmann::json;

const Json& vectors() {
    static const Json json = [] {
        const auto file =
            std::filesystem::path(SIAMC_SOURCE_DIR) / "tests/golden/optimizer_vectors.json";
        std::ifstream stream(file);
        return Json::parse(stream);
    }();
    return json;
}

// The vector, again and again, over all parameters: every lane of every task sees every element.
void repeat(const std::vector<double>& values, FloatBuffer& buffer) {
    for (size_t i = 0; i < buffer.size(); ++i)
        buffer.data()[i] = static_cast<float>(values[i % values.size()]);
}

struct Case {
    std::string package, optimizer;
};

// How far the parameters may be off after some steps: 3e-5 of the way travelled, for Keras computes
// Adam's correction in float, and a rounding a step (docs/optimizers.md).
class Tolerance {
  public:
    explicit Tolerance(const std::vector<double>& start) : last_(start), way_(start.size()) {}

    void step(const std::vector<double>& now) {
        ++steps_;
        for (size_t i = 0; i < now.size(); ++i) way_[i] += std::abs(now[i] - last_[i]);
        last_ = now;
    }
    double of(size_t i) const { return 3e-5 * way_[i] + steps_ * 0x1p-23 * std::abs(last_[i]); }

  private:
    std::vector<double> last_, way_;
    int steps_ = 0;
};

// The first difference beyond the tolerance, in units of it; less than 1 if all is well.
double worst(const FloatBuffer& parameters, const std::vector<double>& expected,
             const Tolerance& tolerance) {
    double most = 0;
    for (size_t i = 0; i < parameters.size(); ++i) {
        const size_t at = i % expected.size();
        const double error = std::abs(parameters.data()[i] - expected[at]);
        const double allowed = tolerance.of(at);
        if (error == 0) continue;
        if (!(error <= 1e6 * allowed)) return 1e6;  // NaN, too
        most = std::max(most, error / allowed);
    }
    return most;
}

// The worst difference of twenty steps from the vectors of `expected`, by the rules of `semantics`.
double follow(Semantics semantics, const Case& expected) {
    const Json& entry = vectors().at("cases").at(expected.package).at(expected.optimizer);
    const auto initial = vectors().at("initial").get<std::vector<double>>();
    const auto rates = entry.at("learning_rates").get<std::vector<double>>();
    REQUIRE(rates.size() == 20);
    Model model(fc_model);
    Optimizer optimizer(model, expected.optimizer, semantics);
    FloatBuffer parameters = model.flat_buffer(), gradient = model.flat_buffer();
    repeat(initial, parameters);
    Tolerance tolerance(initial);
    double most = 0;
    for (size_t t = 0; t < rates.size(); ++t) {
        const auto after = entry.at("after").at(t).get<std::vector<double>>();
        repeat(vectors().at("gradients").at(t).get<std::vector<double>>(), gradient);
        optimizer.step(parameters, gradient, rates[t]);
        tolerance.step(after);
        most = std::max(most, worst(parameters, after, tolerance));
    }
    return most;
}

}  // namespace

TEST_CASE("generated optimisers follow Keras and PyTorch", "[golden]") {
    for (const std::string& optimizer : known_optimizers()) {
        INFO(optimizer);
        CHECK(follow(Semantics::keras, {"keras", optimizer}) <= 1);
        CHECK(follow(Semantics::pytorch, {"torch", optimizer}) <= 1);
    }
}

// The measure tells the two packages apart.
TEST_CASE("one package's rule is off the other's vectors", "[golden]") {
    for (const std::string& optimizer : known_optimizers()) {
        INFO(optimizer);
        CHECK(follow(Semantics::pytorch, {"keras", optimizer}) > 1000);
        CHECK(follow(Semantics::keras, {"torch", optimizer}) > 1000);
    }
}

TEST_CASE("a parameter that never had a gradient stays", "[golden]") {
    Model model(fc_model);
    for (const std::string name : {"adam", "rmsprop", "sgd"})
        for (const Semantics semantics : {Semantics::keras, Semantics::pytorch}) {
            Optimizer optimizer(model, name, semantics);
            FloatBuffer parameters = model.flat_buffer(), gradient = model.flat_buffer();
            for (size_t i = 0; i < parameters.size(); ++i)
                parameters.data()[i] = i % 2 ? 0.1f : -3e-20f;
            for (int step = 0; step < 3; ++step) optimizer.step(parameters, gradient, 0.5);
            bool same = true;
            for (size_t i = 0; i < parameters.size(); ++i)
                same = same && parameters.data()[i] == (i % 2 ? 0.1f : -3e-20f);
            INFO(name);
            CHECK(same);
        }
}

}  // namespace siamc
