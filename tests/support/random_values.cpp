#include "support/random_values.h"

#include <cmath>
#include <numeric>

#include "layers/active_tuples.h"
#include "layers/structural.h"

namespace siamc::compiler::test {

// Distributions of the standard library differ between its implementations; this does not.
double RandomValues::uniform(double low, double high) {
    return static_cast<float>(low + (high - low) * (engine_() >> 8) * 0x1p-24);
}

int RandomValues::below(int count) {
    return static_cast<int>(engine_() % static_cast<unsigned>(count));
}

double RandomValues::source_value(const Node& node, const RowCounts& rows) {
    if (node.op == &rows_op()) return below(rows.dataset);
    if (node.op == &shifts_op()) return below(13) - 6;  // two more than is allowed either way
    if (node.op == &label_op()) return below(2);
    if (node.op == &class_op()) return below(3);
    if (node.op == &weight_op() || node.op == &image_weight_op())
        return 1.0f / static_cast<float>(rows.tuples);
    if (node.op == &noise_op()) return below(1 << 24) - (1 << 23);
    if (node.op == &row_weight_op()) return uniform(0.5, 1.5);  // see even_out
    if (node.attributes.count(is_statistic)) return uniform(0.1, 2);
    if (node.op == &parameter_op() && node.shape.dims.size() == 2)
        return uniform(-2, 2) / std::sqrt(node.shape.dims[1]);
    if (node.shape == Shape{{}, Rows::tuple}) return uniform(0, 2.5);  // a distance
    return uniform(-1, 1);
}

// Zeros are skipped: some images have nothing else, some none, some both.
void RandomValues::draw_images(Tensor64& images) {
    const auto size = static_cast<size_t>(images.shape.size());
    for (size_t i = 0; i < images.data.size(); ++i) {
        const bool blank = i / size % 4 == 0, full = i / size % 4 == 1;
        const bool zero = blank || (!full && below(3) > 0);
        images.data[i] = zero ? 0 : 1 + below(255);
    }
}

// Some images are shown by several tuples and some by none, but no tuple shows one twice: where
// a distance is 0, Halide's own derivative has no value.
void RandomValues::draw_places(Tensor64& places, int images) {
    const int branches = places.shape.dims[0];
    for (int tuple = 0; tuple < places.rows; ++tuple) {
        const int first = below(images);
        for (int b = 0; b < branches; ++b)
            places.data[static_cast<size_t>(tuple * branches + b)] = (first + b) % images;
    }
}

// Weights add up to 1.
void RandomValues::even_out(Tensor64& weights) {
    const double sum = std::accumulate(weights.data.begin(), weights.data.end(), 0.0);
    for (double& weight : weights.data) weight = static_cast<float>(weight / sum);
}

// Any tuples and images, as long as the lists agree. Sums walk whole register tiles, in any order.
void RandomValues::draw_lists(const Graph& graph, std::map<NodeId, Tensor64>& values,
                              const RowCounts& rows) {
    const auto list = [&](const Op& op) { return graph.find(op.name); };
    if (list(active_tuples_op()) < 0) return;
    for (double& tuple : values.at(list(active_tuples_op())).data) tuple = below(rows.tuples);
    for (double& image : values.at(list(active_images_op())).data)
        image = below(rows.of(Rows::image));
    if (list(summed_images_op()) < 0) return;
    const Tensor64& active = values.at(list(active_images_op()));
    Tensor64& images = values.at(list(summed_images_op()));
    const int offset = rows.tile * below(active.rows / rows.tile);
    for (int row = 0; row < active.rows; ++row) {
        const int from = (row + offset) % active.rows;
        values.at(list(summed_adjoints_op())).data[static_cast<size_t>(row)] = from;
        images.data[static_cast<size_t>(row)] = active.data[static_cast<size_t>(from)];
    }
}

std::map<NodeId, Tensor64> RandomValues::sources(const Graph& graph, const RowCounts& rows) {
    std::map<NodeId, Tensor64> values;
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes.size()); ++id) {
        if (graph[id].op->pattern != Pattern::source) continue;
        Tensor64& tensor = values[id] = make_tensor(graph[id].shape, rows);
        for (double& value : tensor.data) value = static_cast<float>(source_value(graph[id], rows));
        if (graph[id].op == &images_op()) draw_images(tensor);
        if (graph[id].op == &ordinal_op()) std::iota(tensor.data.begin(), tensor.data.end(), 0.0);
        if (graph[id].op == &row_weight_op()) even_out(tensor);
        if (graph[id].op == &places_op()) draw_places(tensor, rows.of(Rows::image));
        if (graph[id].op == &active_places_op()) draw_places(tensor, rows.of(Rows::active_image));
    }
    draw_lists(graph, values, rows);
    return values;
}

}  // namespace siamc::compiler::test
