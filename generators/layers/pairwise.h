// All images of the batch against each other: one row of numbers per image, one number for each
// image of the batch. For losses that see the whole batch.
#pragma once

#include <string>

#include "layers/structural.h"

namespace siamc::compiler {

// Rows of the batch come in multiples of this where images look at each other: whole vectors of
// every processor.
constexpr int batch_quantum = 16;

// Attribute: the most images of a batch, a multiple of batch_quantum: the length of a matrix's row.
constexpr const char* images_attribute = "images";

// Attribute of a matrix's gradient: it leaves out images that no row of a register tile looks at,
// whose factors are 0. Losses that mine look at few. The result is the same where embeddings are
// finite. Of at most most_listed images (layers/active.h).
constexpr const char* skips_columns = "skips_columns";

// What Layer::build_matrix gets: the embeddings (image rows), each image's ordinal, and the
// distance's own attributes with images_attribute among them.

// (embeddings) -> [images] per image: |x_i - x_j|^2, differences first, and x_i . x_j. Columns of
// images that the batch does not have hold numbers without a meaning. Throws ModelError unless an
// embedding is one line of numbers.
Edge squared_distances(Graph& graph, const LayerUse& use, Edge embeddings);
Edge dot_products(Graph& graph, const LayerUse& use, Edge embeddings);

// out = f(in), number by number, of a matrix; reads whatever number lies in a column.
Edge map_matrix(Graph& graph, const LayerUse& use, const Op& op, Edge matrix);

// Attribute of what reads an ordinal: the batch is one slice, so an image's row is its ordinal. On
// devices: bounds that depend on what lies there could not be known on the host.
constexpr const char* of_one_slice = "of_one_slice";

// This row's place in the batch; only rows of the same call are ever consecutive.
Halide::Expr row_in_batch(const AlgorithmContext& context, const Halide::Func& ordinal,
                          const Halide::Expr& row);

}  // namespace siamc::compiler
