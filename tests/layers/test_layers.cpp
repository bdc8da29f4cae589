// Every layer, distance and loss of layers.def, at odd sizes: its values against its reference, its
// gradients against central differences of the reference and against Halide's own.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "catch.h"
#include "layer_cases.h"
#include "support/halide_errors.h"
#include "support/program_runner.h"
#include "support/random_values.h"

namespace siamc::compiler::test {

namespace {

using Values = std::map<NodeId, Bounded>;

RowCounts rows_of(const LayerCase& made) {
    return {made.tuples, made.graph.branches, 0};
}

double largest(const std::vector<double>& values) {
    double most = 0;
    for (double value : values) most = std::max(most, std::abs(value));
    return most;
}

// Fails with the place of the first number that is off; NaN is off.
template <typename Allowed>
void check_close(const std::vector<double>& got, const std::vector<double>& expected,
                 Allowed&& allowed) {
    REQUIRE(got.size() == expected.size());
    REQUIRE(!got.empty());
    for (size_t i = 0; i < got.size(); ++i) {
        if (std::abs(got[i] - expected[i]) <= allowed(i)) continue;
        FAIL_CHECK("element " << i << " is " << got[i] << ", not " << expected[i] << " +- "
                              << allowed(i));
        return;
    }
}

template <typename T>
Halide::Buffer<> buffer_as(const Tensor64& tensor) {
    std::vector<int> extents = tensor.shape.dims;
    if (tensor.shape.rows != Rows::none) extents.push_back(tensor.rows);
    Halide::Buffer<T> buffer(extents);
    for (size_t i = 0; i < tensor.data.size(); ++i)
        buffer.data()[i] = static_cast<T>(tensor.data[i]);
    return buffer;
}

Halide::Buffer<> buffer_of(const Tensor64& tensor, Halide::Type type = Halide::Float(32)) {
    return type == Halide::Int(32) ? buffer_as<std::int32_t>(tensor) : buffer_as<float>(tensor);
}

// Of Funcs of these shapes, compiled together.
std::vector<std::vector<double>> realize(const std::vector<Halide::Func>& funcs,
                                         const std::vector<const Tensor64*>& like) {
    std::vector<Halide::Buffer<>> buffers;
    for (const Tensor64* tensor : like) buffers.push_back(buffer_of(*tensor));
    Halide::Pipeline(funcs).realize(Halide::Realization(buffers));
    std::vector<std::vector<double>> values;
    for (const Halide::Buffer<float> result : buffers)
        values.emplace_back(result.data(), result.data() + result.number_of_elements());
    return values;
}

// The node's inputs, as it reads them.
std::vector<Tensor64> inputs_of(const Graph& graph, NodeId id, const Values& values) {
    std::vector<Tensor64> inputs;
    for (Edge edge : graph[id].inputs) inputs.push_back(values.at(edge.node).tensor);
    return inputs;
}

// Sum of adjoint * node's value, by the reference.
double objective(const Graph& graph, NodeId id, const std::vector<Tensor64>& inputs,
                 const Tensor64& adjoint) {
    std::vector<const Tensor64*> pointers;
    for (const Tensor64& input : inputs) pointers.push_back(&input);
    Tensor64 result = adjoint;
    graph[id].op->reference(graph, graph[id], pointers, result);
    double sum = 0;
    for (size_t i = 0; i < result.data.size(); ++i) sum += result.data[i] * adjoint.data[i];
    return sum;
}

constexpr double step = 1e-5;

// The slope of the objective when input `which` moves along a direction, given sparsely.
double slope(const Graph& graph, NodeId id, const std::vector<Tensor64>& inputs, size_t which,
             const std::vector<std::pair<size_t, double>>& direction, const Tensor64& adjoint) {
    const auto moved = [&](double by) {
        std::vector<Tensor64> there = inputs;
        for (auto [index, weight] : direction) there[which].data[index] += by * weight;
        return objective(graph, id, there, adjoint);
    };
    return (moved(step) - moved(-step)) / (2 * step);
}

void check_slopes(const Graph& graph, NodeId id, const std::vector<Tensor64>& inputs, size_t which,
                  const Tensor64& adjoint, const std::vector<double>& gradient) {
    const double allowed = 1e-6 * (largest(gradient) + 1e-3);
    const size_t stride = 1 + gradient.size() / 200;
    for (size_t i = 0; i < gradient.size(); i += stride) {
        const double expected = slope(graph, id, inputs, which, {{i, 1.0}}, adjoint);
        INFO("element " << i << " of input " << which);
        REQUIRE(std::abs(gradient[i] - expected) <= allowed);
    }
    // All elements at once.
    std::vector<std::pair<size_t, double>> direction;
    double expected = 0, size = 0;
    for (size_t i = 0; i < gradient.size(); ++i) {
        direction.push_back({i, std::cos(static_cast<double>(i))});
        expected += gradient[i] * direction.back().second;
        size += std::abs(gradient[i]);
    }
    INFO("all elements of input " << which);
    CHECK(std::abs(slope(graph, id, inputs, which, direction, adjoint) - expected) <=
          1e-6 * (size + 1e-3));
}

// Halide has no derivative of a maximum or minimum that a reduction carries along.
bool carries_extremes(const Halide::Func& func) {
    using namespace Halide::Internal;
    for (const auto& [name, function] : build_environment({func.function()}))
        for (const Definition& update : function.updates()) {
            Halide::Expr value = update.values()[0];
            while (const Let* let = value.as<Let>()) value = let->body;
            if (value.as<Max>() || value.as<Min>()) return true;
        }
    return false;
}

// Gradients by Halide's own differentiation of the forward algorithm.
void check_autodiff(const Graph& graph, NodeId id, const std::vector<Tensor64>& inputs,
                    const Tensor64& adjoint, const std::vector<const Bounded*>& gradients,
                    const RowCounts& rows) {
    Algorithm algorithm = algorithm_of(graph, id, rows);
    if (carries_extremes(algorithm.result)) return;
    for (size_t i = 0; i < inputs.size(); ++i)
        algorithm.params[i].set(buffer_of(inputs[i], algorithm.params[i].type()));
    const Halide::Buffer<float> seed = buffer_of(adjoint);
    const auto derivative = Halide::propagate_adjoints(algorithm.result, seed);
    // What is read by the gradient alone has no derivative here.
    const auto read = Halide::Internal::build_environment({algorithm.result.function()});
    const auto compares = [&](size_t i) {
        return gradients[i] && read.count(algorithm.inputs[i].name());
    };
    std::vector<Halide::Func> derivatives;
    std::vector<const Tensor64*> like;
    for (size_t i = 0; i < inputs.size(); ++i) {
        if (!compares(i)) continue;
        derivatives.push_back(derivative(algorithm.inputs[i]));
        like.push_back(&gradients[i]->tensor);
    }
    if (derivatives.empty()) return;
    const std::vector<std::vector<double>> got = realize(derivatives, like);
    size_t next = 0;
    for (size_t i = 0; i < inputs.size(); ++i) {
        if (!compares(i)) continue;
        INFO("input " << i << " by propagate_adjoints");
        const Bounded& expected = *gradients[i];
        const double most = largest(expected.tensor.data);
        check_close(got[next++], expected.tensor.data, [&](size_t at) {
            const double bound = tolerance(expected.tensor.data[at],
                                           expected.error.empty() ? 0 : expected.error[at]);
            return 8 * bound + 2e-5 * most;
        });
    }
}

void check_values(const LayerCase& made, NodeId id, const Values& values) {
    const Graph& graph = made.graph;
    const Bounded& value = values.at(id);
    std::map<NodeId, Tensor64> exact;
    for (const auto& [node, bounded] : values) exact[node] = bounded.tensor;
    REQUIRE(graph[id].op->reference);
    const Tensor64 reference = evaluate_reference(graph, id, exact, rows_of(made));
    // Constants in the algorithm are floats.
    const double most = largest(reference.data);
    check_close(value.tensor.data, reference.data, [&](size_t) { return 1e-7 * (most + 1e-3); });
    if (graph[id].op->pattern == Pattern::view) return;
    Algorithm algorithm = algorithm_of(graph, id, rows_of(made));
    const std::vector<Tensor64> inputs = inputs_of(graph, id, values);
    for (size_t i = 0; i < inputs.size(); ++i)
        algorithm.params[i].set(buffer_of(inputs[i], algorithm.params[i].type()));
    check_close(realize({algorithm.result}, {&value.tensor})[0], reference.data, [&](size_t at) {
        return tolerance(reference.data[at], value.error.empty() ? 0 : value.error[at]);
    });
}

void check_gradients(const LayerCase& made, NodeId id, Values values, RandomValues& random) {
    Graph graph = made.graph;
    REQUIRE(graph[id].op->gradient);
    const auto first = static_cast<NodeId>(graph.nodes.size());
    const Gradients gradients = add_gradients(graph, id);
    REQUIRE(gradients.edges.size() == graph[id].inputs.size());
    Tensor64 adjoint = make_tensor(graph[id].shape, rows_of(made));
    for (double& value : adjoint.data) value = random.uniform(-1, 1);
    values[gradients.adjoint] = {adjoint, {}};
    for (NodeId node = first; node < static_cast<NodeId>(graph.nodes.size()); ++node)
        if (node != gradients.adjoint) values[node] = evaluate(graph, node, values, rows_of(made));
    const std::vector<Tensor64> inputs = inputs_of(graph, id, values);
    std::vector<const Bounded*> found;
    for (size_t i = 0; i < inputs.size(); ++i) {
        const Edge edge = gradients.edges[i];
        found.push_back(edge.node < 0 ? nullptr : &values.at(edge.node));
        if (!found[i]) continue;
        CHECK(found[i]->tensor.shape == graph.shape_of(graph[id].inputs[i]));
        check_slopes(graph, id, inputs, i, adjoint, found[i]->tensor.data);
    }
    CHECK(std::count(found.begin(), found.end(), nullptr) < static_cast<long>(found.size()));
    const Op& op = *graph[id].op;
    if (op.algorithm && !op.gradient_by_all_ways)
        check_autodiff(graph, id, inputs, adjoint, found, rows_of(made));
}

// The layer and all its gradients as siamc would compile them for this machine.
void check_compiled(const LayerCase& made, RandomValues& random) {
    const Graph graph = with_gradients(made.graph);
    constexpr int slices = 8;  // a batch of so many has slices as large as this case
    const Program program = plan(graph, lay_out_parameters({graph}), slices * made.tuples);
    if (program.calls.empty()) return;  // views only
    REQUIRE(made.tuples <= program.slice_tuples);
    const KernelLibrary library(tasks_of(program, ScheduleChoice::tuned), host_targets());
    const ProgramValues values(program, random.sources(graph, rows_of(made)), rows_of(made));
    const Findings findings = check_kernels(program, values, library);
    CHECK(findings.compared > 0);
    CHECK(fmt::format("{}", fmt::join(findings.faults, "\n")) == "");
}

// An image is at distance 0 from itself, where a root has no slope, and close by a steep one: the
// next node sees other numbers.
void move_from_zero(Tensor64& matrix) {
    for (double& value : matrix.data)
        if (std::abs(value) < 0.01) value += 0.25;
}

void check_case(const LayerCase& made) {
    INFO(made.what);
    RandomValues random(static_cast<unsigned>(made.what.size()));
    Values values;
    for (auto& [id, tensor] : random.sources(made.graph, rows_of(made))) values[id] = {tensor, {}};
    for (NodeId id : layer_nodes(made.graph)) {
        const Op& op = *made.graph[id].op;
        INFO(made.graph[id].op->name);
        add_shown(made.graph, values, rows_of(made));
        values[id] = evaluate(made.graph, id, values, rows_of(made));
        check_values(made, id, values);
        if (op.gradient) check_gradients(made, id, values, random);  // else none flows there
        if (made.graph[id].op->pattern == Pattern::pairwise) move_from_zero(values[id].tensor);
    }
    check_compiled(made, random);
}

void check_layer(const std::string& name) {
    throw_halide_errors();
    for (const Layer& layer : all_layers()) {
        if (layer.name != name) continue;
        const std::vector<LayerCase> cases = cases_of(layer);
        CHECK(!cases.empty());
        for (const LayerCase& made : cases) check_case(made);
        if (layer.kind != LayerKind::distance) continue;
        for (const LayerCase& made : matrix_cases_of(layer)) check_case(made);
    }
}

}  // namespace

TEST_CASE("groups of several channels", "[layers]") {
    throw_halide_errors();
    for (const long groups : {2L, 4L})
        check_case(make_case(*find_layer("group_norm", LayerKind::layer), {16, 5, 9},
                             {{"groups", groups}, {"epsilon", 1e-3}}, 4));
}

TEST_CASE("batch_norm of lines, and when embedding", "[layers]") {
    throw_halide_errors();
    const Layer& layer = *find_layer("batch_norm", LayerKind::layer);
    const Attributes attributes{{"momentum", 0.9}, {"epsilon", 1e-3}};
    for (const bool training : {true, false})
        for (const std::vector<int>& dims :
             {std::vector{1}, std::vector{17}, std::vector{128}, std::vector{16, 5, 9}})
            check_case(make_case(layer, dims, attributes, 8, training));
}

TEST_CASE("convolutions of groups, and with gaps", "[layers]") {
    throw_halide_errors();
    const Layer& layer = *find_layer("conv2d", LayerKind::layer);
    struct Case {
        std::vector<int> dims;
        long filters, kernel, stride, groups, dilation;
        const char* padding;
    };
    const std::vector<Case> cases = {
        {{8, 9, 7}, 8, 3, 1, 0, 1, "same"},   {{8, 9, 7}, 16, 3, 2, 0, 1, "valid"},
        {{5, 6, 8}, 5, 3, 1, 0, 2, "same"},   {{12, 7, 6}, 8, 2, 1, 4, 1, "valid"},
        {{32, 5, 6}, 64, 3, 1, 2, 1, "same"}, {{6, 9, 8}, 9, 3, 2, 3, 2, "1 2 0 3"},
        {{3, 9, 9}, 7, 3, 1, 1, 3, "valid"},  {{16, 8, 8}, 16, 3, 1, 1, 2, "same"},
        {{64, 5, 5}, 64, 3, 1, 0, 1, "same"},
    };
    for (const Case& c : cases)
        check_case(make_case(layer, c.dims,
                             {{"filters", c.filters},
                              {"kernel", c.kernel},
                              {"kernel_width", 0L},
                              {"stride", c.stride},
                              {"padding", std::string(c.padding)},
                              {"groups", c.groups},
                              {"dilation", c.dilation},
                              {"bias", true}},
                             4));
}

#define SIAMC_LAYER(name)          \
    TEST_CASE(#name, "[layers]") { \
        check_layer(#name);        \
    }
#include "layers/layers.def"
#undef SIAMC_LAYER

}  // namespace siamc::compiler::test
