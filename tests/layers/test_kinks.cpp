// What happens exactly where a function has a corner or a quotient has no value: by definition, the
// gradient is 0 there. In the code that siamc generates, for vectors and their rests.
#include <fmt/format.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <numeric>

#include "catch.h"
#include "layer_cases.h"
#include "support/program_runner.h"

namespace siamc::compiler::test {

namespace {

// A layer with its gradients, compiled for this machine.
class CompiledLayer {
  public:
    CompiledLayer(const std::string& name, LayerKind kind, const std::vector<int>& dims,
                  const Attributes& attributes = {}, int tuples = 4)
        : made_(make_case(*find_layer(name, kind), dims, attributes, tuples)),
          program_(plan(with_gradients(made_.graph), {}, made_.tuples)),
          library_(tasks_of(program_, ScheduleChoice::tuned), host_targets()) {
        if (program_.graph.find("places") < 0) return;
        std::vector<double>& places = set("places", 0);  // tuple after tuple
        std::iota(places.begin(), places.end(), 0);
    }

    // The source of that name, filled with one value; its numbers can be changed.
    std::vector<double>& set(const std::string& source, double value) {
        const NodeId id = program_.graph.find(source);
        REQUIRE(id >= 0);
        Tensor64& tensor = sources_[id] = make_tensor(program_.graph[id].shape, rows());
        for (double& element : tensor.data) element = static_cast<float>(value);
        return tensor.data;
    }

    void run() { values_ = run_kernels(program_, sources_, rows(), library_); }

    // The layer's value (0), then its gradients in order.
    const std::vector<double>& output(size_t index) const {
        return values_.at(program_.graph.outputs.at(index)).data;
    }

  private:
    RowCounts rows() const { return {made_.tuples, made_.graph.branches, 0}; }

    LayerCase made_;
    Program program_;
    KernelLibrary library_;
    std::map<NodeId, Tensor64> sources_, values_;
};

// Elements [from, from + count) of a tensor are exactly that value; the sign of a zero is free.
bool are(const std::vector<double>& values, size_t from, size_t count, double expected) {
    for (size_t i = from; i < from + count; ++i)
        if (!(values.at(i) == expected)) return false;
    return true;
}

bool near(double value, double expected) {
    return std::abs(value - expected) <= 1e-5 * std::abs(expected);
}

bool all_finite(const std::vector<double>& values) {
    for (double value : values)
        if (!std::isfinite(value)) return false;
    return true;
}

constexpr int sizes[] = {1, 9, 64, 127};

}  // namespace

TEST_CASE("relu at 0", "[layers]") {
    for (const int size : sizes) {
        INFO("size " << size);
        const auto n = static_cast<size_t>(size);
        CompiledLayer relu("relu", LayerKind::layer, {size});
        std::vector<double>& x = relu.set("x", 0);
        for (size_t i = 0; i < n; ++i) {
            x[n + i] = -0.0;
            x[2 * n + i] = 1e-30f;
            x[3 * n + i] = -1e-30f;
        }
        relu.set("relu.adjoint", 3);
        relu.run();
        CHECK(are(relu.output(0), 0, 2 * n, 0));
        CHECK(are(relu.output(0), 2 * n, n, 1e-30f));
        CHECK(are(relu.output(0), 3 * n, n, 0));
        CHECK(are(relu.output(1), 0, 2 * n, 0));
        CHECK(are(relu.output(1), 2 * n, n, 3));
        CHECK(are(relu.output(1), 3 * n, n, 0));
    }
}

TEST_CASE("leaky_relu at 0", "[layers]") {
    for (const int size : sizes) {
        INFO("size " << size);
        const auto n = static_cast<size_t>(size);
        CompiledLayer leaky("leaky_relu", LayerKind::layer, {size}, {{"slope", 0.25}});
        std::vector<double>& x = leaky.set("x", 0);
        for (size_t i = 0; i < n; ++i) {
            x[n + i] = -0.0;
            x[2 * n + i] = 2;
            x[3 * n + i] = -2;
        }
        leaky.set("leaky_relu.adjoint", 3);
        leaky.run();
        CHECK(are(leaky.output(0), 0, 2 * n, 0));
        CHECK(are(leaky.output(0), 2 * n, n, 2));
        CHECK(are(leaky.output(0), 3 * n, n, -0.5));
        CHECK(are(leaky.output(1), 0, 2 * n, 0.75));
        CHECK(are(leaky.output(1), 2 * n, n, 3));
        CHECK(are(leaky.output(1), 3 * n, n, 0.75));
    }
}

namespace {

// A function of one number and its slope, in double.
struct Curve {
    const char* layer;
    double (*value)(double);
    double (*slope)(double);
};

double sigmoid(double x) {
    return 1 / (1 + std::exp(-x));
}

// sqrt(2 / pi) (x + 0.044715 x^3) and its slope.
double gelu_inner(double x) {
    return std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x);
}
double gelu_inner_slope(double x) {
    return std::sqrt(2 / std::acos(-1.0)) * (1 + 3 * 0.044715 * x * x);
}

const Curve curves[] = {
    {"sigmoid", sigmoid, [](double x) { return sigmoid(x) * sigmoid(-x); }},
    {"tanh", [](double x) { return std::tanh(x); },
     [](double x) { return 4 * sigmoid(2 * x) * sigmoid(-2 * x); }},
    {"silu", [](double x) { return x * sigmoid(x); },
     [](double x) { return sigmoid(x) * (1 + x * sigmoid(-x)); }},
    {"gelu", [](double x) { return x * sigmoid(2 * gelu_inner(x)); },
     [](double x) {
         const double u = 2 * gelu_inner(x);
         return sigmoid(u) * (1 + 2 * x * gelu_inner_slope(x) * sigmoid(-u));
     }},
};

// Dense where they bend, and as far as floats go.
std::vector<float> arguments() {
    std::vector<float> x = {0,     -0.0f, 1e-45f, -1e-45f, 1e-30f,  -1e-30f,
                            1e4f,  -1e4f, 1e20f,  -1e20f,  FLT_MAX, -FLT_MAX,
                            79.9f, 80.1f, -79.9f, -80.1f,  88.8f,   -88.8f};
    for (int i = -1000; i <= 1000; ++i) x.push_back(static_cast<float>(i) / 50);
    x.resize(2048, 0.625f);
    return x;
}

}  // namespace

TEST_CASE("smooth activations of all numbers", "[layers]") {
    const std::vector<float> numbers = arguments();
    const auto n = static_cast<int>(numbers.size()) / 4;
    for (const Curve& curve : curves) {
        CompiledLayer compiled(curve.layer, LayerKind::layer, {n});
        std::vector<double>& x = compiled.set("x", 0);
        std::copy(numbers.begin(), numbers.end(), x.begin());
        compiled.set(std::string(curve.layer) + ".adjoint", 1);
        compiled.run();
        for (size_t i = 0; i < numbers.size(); ++i) {
            const double at = numbers[i], value = curve.value(at), slope = curve.slope(at);
            INFO(curve.layer << " of " << at << ": " << compiled.output(0)[i] << " and "
                             << compiled.output(1)[i] << ", not " << value << " and " << slope);
            const double share = std::abs(value) > 1e-6 ? 1e-6 : 2e-5;
            CHECK(std::abs(compiled.output(0)[i] - value) <= share * std::abs(value) + 1e-32);
            CHECK(std::abs(compiled.output(1)[i] - slope) <= 2e-7);
        }
    }
}

// Windows of equal pixels, and one where the last two are the largest.
TEST_CASE("max_pool of equal pixels", "[layers]") {
    for (const int channels : {1, 9, 64}) {
        INFO(channels << " channels");
        const auto n = static_cast<size_t>(channels);
        CompiledLayer pool("max_pool", LayerKind::layer, {channels, 4, 2},
                           {{"window", 2L}, {"stride", 0L}});
        std::vector<double>& x = pool.set("x", -1);
        const auto pixel = [&](size_t image, size_t at) { return (image * 8 + at) * n; };
        for (size_t c = 0; c < n; ++c) x[pixel(1, 4) + c] = x[pixel(1, 5) + c] = 2;
        pool.set("max_pool.adjoint", 3);
        pool.run();
        for (size_t image = 0; image < 4; ++image) {
            INFO("image " << image);
            const bool second = image == 1;
            const size_t windows = image * 2 * n;
            CHECK(are(pool.output(0), windows, n, second ? 2 : -1));
            CHECK(are(pool.output(0), windows + n, n, -1));
            for (const size_t at : {0, 1, 2, 3, 4, 5, 6, 7}) {
                const bool wins = at == 2 || at == (second ? 4 : 0);
                CHECK(are(pool.output(1), pixel(image, at), n, wins ? 3 : 0));
            }
        }
    }
}

TEST_CASE("l2_normalize of nothing", "[layers]") {
    for (const int size : sizes) {
        INFO("size " << size);
        const auto n = static_cast<size_t>(size);
        CompiledLayer normalize("l2_normalize", LayerKind::layer, {size}, {{"epsilon", 1e-12}});
        std::vector<double>& x = normalize.set("x", 0);
        for (size_t i = 0; i < n; ++i) {
            x[n + i] = i == 0 ? 1e-8f : 0;      // below epsilon: dead
            x[2 * n + i] = i == 0 ? 2e-6f : 0;  // just above it: alive
            x[3 * n + i] = 1e-25f;              // its square is no float
        }
        normalize.set("l2_normalize.adjoint", 5);
        normalize.run();
        CHECK(are(normalize.output(0), 0, n, 0));
        CHECK(are(normalize.output(1), 0, 2 * n, 0));
        CHECK(are(normalize.output(1), 3 * n, n, 0));
        CHECK(near(normalize.output(0)[2 * n], 1));
        CHECK((size == 1 || near(normalize.output(1)[2 * n + 1], 5 / 2e-6)));
        CHECK(all_finite(normalize.output(0)));
        CHECK(all_finite(normalize.output(1)));
    }
}

TEST_CASE("distances between equal embeddings", "[layers]") {
    for (const std::string name : {"euclidean", "squared_euclidean"})
        for (const int size : sizes) {
            INFO(name << " of size " << size);
            const auto n = static_cast<size_t>(size);
            CompiledLayer distance(name, LayerKind::distance, {size});
            std::vector<double>& x = distance.set("x", 0);
            for (size_t i = 0; i < n; ++i) {
                x[i] = x[n + i] = static_cast<float>(std::sin(1.0 + static_cast<double>(i)));
                x[2 * n + i] = 1e-25f;  // a difference whose square is no float
            }
            x[4 * n] = 1e-18f;  // one whose square is
            x[6 * n] = 3;
            distance.set(name + ".adjoint", 7);
            distance.run();
            CHECK(are(distance.output(0), 0, 2, 0));
            for (size_t gradient = 1; gradient <= 2; ++gradient) {
                CHECK(are(distance.output(gradient), 0, n, 0));
                CHECK(all_finite(distance.output(gradient)));
            }
            const bool squared = name == "squared_euclidean";
            if (!squared) CHECK(are(distance.output(1), n, n, 0));
            CHECK(near(distance.output(1)[2 * n], squared ? 14e-18 : 7));
            CHECK(near(distance.output(0)[3], squared ? 9 : 3));
            CHECK(near(distance.output(2)[3 * n], squared ? -42 : -7));
        }
}

TEST_CASE("cosine of nothing", "[layers]") {
    for (const int size : sizes) {
        INFO("size " << size);
        const auto n = static_cast<size_t>(size);
        CompiledLayer cosine("cosine", LayerKind::distance, {size});
        std::vector<double>& x = cosine.set("x", 0);  // tuple 0: both nothing
        for (size_t i = 0; i < n; ++i) {
            x[3 * n + i] = 0.5;                 // tuple 1: the first nothing
            x[4 * n + i] = 0.5;                 // tuple 2: the second nothing
            x[6 * n + i] = x[7 * n + i] = 0.5;  // tuple 3: equal
        }
        cosine.set("cosine.adjoint", 2);
        cosine.run();
        CHECK(are(cosine.output(0), 0, 3, 1));
        CHECK(std::abs(cosine.output(0)[3]) <= 1e-6);
        for (size_t gradient = 1; gradient <= 2; ++gradient) {
            CHECK(are(cosine.output(gradient), 0, 3 * n, 0));
            CHECK(all_finite(cosine.output(gradient)));
        }
    }
}

TEST_CASE("contrastive at distance 0 and at the margin", "[layers]") {
    CompiledLayer loss("contrastive", LayerKind::loss, {}, {{"margin", 1.0}});
    loss.set("contrastive.adjoint", 1);
    for (const double same : {0.0, 1.0}) {
        loss.set("d1", 0) = {0, 1, 1.5, 0.25};
        loss.set("label", same);
        loss.run();
        INFO("label " << same);
        using Four = std::vector<double>;
        CHECK(loss.output(0) == (same == 1 ? Four{0, 1, 2.25, 0.0625} : Four{1, 0, 0, 0.5625}));
        CHECK(loss.output(1) == (same == 1 ? Four{0, 2, 3, 0.5} : Four{-2, 0, 0, -1.5}));
    }
}

// The term of the other label is left out, not multiplied by 0 and cancelled: code generated with
// free order of sums would leave its rounding behind.
TEST_CASE("contrastive of small losses", "[layers]") {
    CompiledLayer loss("contrastive", LayerKind::loss, {}, {{"margin", 0.9}});
    loss.set("contrastive.adjoint", 1);
    const auto margin = static_cast<double>(0.9f);
    loss.set("d1", 0) = {1e-6f, 3e-4f, 0.01f, 0.04f};
    loss.set("label", 1);
    loss.run();
    for (size_t i = 0; i < 4; ++i) {
        const double d = std::vector<double>{1e-6f, 3e-4f, 0.01f, 0.04f}[i];
        INFO("D " << d << ": loss " << loss.output(0)[i] << ", gradient " << loss.output(1)[i]);
        CHECK(near(loss.output(0)[i], d * d));
        CHECK(near(loss.output(1)[i], 2 * d));
    }
    const std::vector<double> close = {0.89f, 0.8999f, 0.87f, 0.85f};
    loss.set("d1", 0) = close;
    loss.set("label", 0);
    loss.run();
    for (size_t i = 0; i < 4; ++i) {
        INFO("D " << close[i] << ": loss " << loss.output(0)[i] << ", gradient "
                  << loss.output(1)[i]);
        CHECK(near(loss.output(0)[i], std::pow(margin - close[i], 2)));
        CHECK(near(loss.output(1)[i], -2 * (margin - close[i])));
    }
}

TEST_CASE("triplet at the hinge", "[layers]") {
    CompiledLayer loss("triplet", LayerKind::loss, {}, {{"margin", 1.0}});
    loss.set("triplet.adjoint", 1);
    loss.set("d1", 0) = {0, 0.5, 0.5, 0};
    loss.set("d2", 0) = {0, 1.5, 1.25, 2};
    loss.run();
    using Four = std::vector<double>;
    CHECK(loss.output(0) == Four{1, 0, 0.25, 0});
    CHECK(loss.output(1) == Four{1, 0, 1, 0});
    CHECK(loss.output(2) == Four{-1, 0, -1, 0});
}

// 16 images of 4 classes, all equally far from each other: image 0 has the positives 4, 8 and 12,
// the others image 0 first; the first negative of image 0 is image 1, of the others image 0 or 1.
TEST_CASE("mined triplets of equal distances", "[layers]") {
    constexpr size_t images = 16;
    const auto first_positive = [](size_t i) { return i < 4 ? i + 4 : i % 4; };
    const auto first_negative = [](size_t i) { return i % 4 == 0 ? size_t{1} : size_t{0}; };
    for (const std::string name : {"batch_hard", "semi_hard", "batch_all"}) {
        Attributes attributes{{"margin", 0.5}};
        if (name == "batch_hard") attributes["soft"] = false;
        if (name == "batch_all") attributes["active"] = false;
        CompiledLayer loss(name, LayerKind::loss, {}, attributes, images);
        loss.set(name + ".adjoint", 1);
        loss.set("matrix", 0.25);
        std::vector<double>&classes = loss.set("label", 0), &ordinals = loss.set("ordinal", 0);
        std::iota(ordinals.begin(), ordinals.end(), 0);
        for (size_t i = 0; i < images; ++i) classes[i] = static_cast<double>(i % 4);
        loss.run();
        CHECK(are(loss.output(0), 0, images, 0.5));
        for (size_t i = 0; i < images; ++i)
            for (size_t j = 0; j < images; ++j) {
                const bool positive = j != i && j % 4 == i % 4, negative = j % 4 != i % 4;
                double expected = positive ? 1 / 3.0 : negative ? -1 / 12.0 : 0;
                if (name == "semi_hard" && negative) expected = j == first_negative(i) ? -1 : 0;
                if (name == "batch_hard")
                    expected = j == first_positive(i) ? 1 : j == first_negative(i) ? -1 : 0;
                INFO(name << ": image " << i << " against " << j);
                CHECK(loss.output(1)[i * images + j] == Approx(expected).margin(1e-6));
            }
    }
}

}  // namespace siamc::compiler::test
