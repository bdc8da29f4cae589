// Values for the sources of a graph, the same in every run.
#pragma once

#include <map>
#include <random>

#include "support/evaluate.h"

namespace siamc::compiler::test {

class RandomValues {
  public:
    explicit RandomValues(unsigned seed) : engine_(seed) {}

    // A float in [low, high).
    double uniform(double low, double high);
    // An integer in [0, count).
    int below(int count);

    // A value for every source of the graph.
    std::map<NodeId, Tensor64> sources(const Graph& graph, const RowCounts& rows);

  private:
    void draw_images(Tensor64& images);
    void draw_places(Tensor64& places, int images);
    void even_out(Tensor64& weights);
    void draw_lists(const Graph& graph, std::map<NodeId, Tensor64>& values, const RowCounts& rows);
    double source_value(const Node& node, const RowCounts& rows);

    std::mt19937 engine_;
};

}  // namespace siamc::compiler::test
