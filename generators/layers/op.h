// What an operation is to the compiler, and what a layer adds to it. A layer, distance or loss is
// one file that defines its operations (itself and its gradients) and one line in layers.def.
#pragma once

#include <Halide.h>

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace siamc::compiler {

// How an operation walks its data: what the fuser and the schedules need to know of it.
enum class Pattern {
    source,       // a tensor from outside: images, labels, parameters
    view,         // the same bytes under another shape
    pick,         // rows of a tensor that data name; read where it is wanted
    elementwise,  // out(c, row) reads in(c, row) only
    rowwise,      // out(., row) reads in(., row) of the same row or tuple
    matmul,       // out(n, row) = sum over k of in(k, row) * parameter
    pairwise,     // out(j, row) = sum over k of what in(k, row) and in(k, j) make
    convolution,  // out(n, x, y, row) = sum over a window of in(., ., ., row) * parameter
    pooling,      // out(c, x, y, row) or out(c, row) of a window of in(c, ., ., row)
    pixelwise,    // out(c, x, y, row) reads other pixels of the same channel and row
    slice_sum,    // sums over the rows of a slice: partial sums of weight gradients
    scatter,      // sums into places that data name; computed where the result lies
    sum_slices,   // adds them up
    batch_sum,    // sums over all rows: weight gradients
    parameter,    // from parameters only: transposes
};

// A dense tensor of doubles for the reference implementations: same index order as Shape, rows
// outermost.
struct Tensor64 {
    Shape shape;
    int rows = 1;
    std::vector<double> data;
};

// What an algorithm is built from: the node, its inputs as Funcs indexed (dims..., row) as the
// reader of each edge sees them (no row index for Rows::none), and the rows and slices that the
// kernel is called with (tuple_rows: where an input has them).
struct AlgorithmContext {
    const Graph& graph;
    const Node& node;
    std::vector<Halide::Func> inputs;
    Halide::Expr image_rows, tuple_rows, slices, batch_rows;
    Halide::Expr listed_rows;  // of a tensor of which a list names rows
    int tile_rows;             // rows that a register tile takes at once; the batch has whole tiles
};

// What a training step takes off a parameter that has no derivative.
struct ParameterStep {
    NodeId parameter;
    Edge amount;
};

struct Op {
    std::string name;  // "dense", "dense.grad_kernel"
    Pattern pattern;
    // Shape of the result; throws ModelError at node.location if the inputs do not fit.
    std::function<Shape(const Graph&, const Node&)> shape;
    // The algorithm, without any schedule; indexed like the inputs. Empty for source and view.
    std::function<Halide::Func(const AlgorithmContext&)> algorithm = {};
    // The adjoint of each input, given the adjoint of the result, as ordinary nodes; an entry with
    // node == -1 says that no gradient flows there. Empty: the operation has no gradient, and
    // differentiating through it is an error that names the model's line.
    std::function<std::vector<Edge>(Graph&, NodeId self, Edge adjoint)> gradient = {};
    // The forward operation as naive loops in double: the oracle of the tests. Inputs are in the
    // order of node.inputs; fills `out` (already sized).
    std::function<void(const Graph&, const Node&, const std::vector<const Tensor64*>&, Tensor64&)>
        reference = {};
    // In training: appends what the operation moves parameters by that it does not read,
    // statistics.
    std::function<std::vector<ParameterStep>(Graph&, NodeId self)> steps = {};
    ElementType type = ElementType::float32;  // of the result
    // batch_sum and parameter with two dims: the input whose dim 0 is the result's outermost dim.
    // The result is then computed in blocks of that dim, in parallel; inputs of the result's shape
    // are read in the same blocks.
    int blocked_input = -1;
    // With attribute places_attribute (layers/windows.h): dims of the part of input 0 that the node
    // reads for its result's present shape. Empty: all of it.
    std::function<std::vector<int>(const Graph&, const Node&)> seen = {};
    // max(f(a), f(b)) is f(max(a, b)), and f has no gradient where it makes unequal values equal.
    bool commutes_with_max = false;
    bool takes_maxima = false;  // of input 0, and nothing else
    // The gradient that it gives its inputs is that by all ways from them to the result, through
    // other inputs too.
    bool gradient_by_all_ways = false;
    bool through_memory = false;  // its readers have kernels of their own
    // Its sums over input 0 can skip zeros (layers/active.h).
    bool can_skip_zeros = false;
};

enum class LayerKind { layer, distance, loss };

// What a loss is given: one distance of a pair and its label; two of a triplet; the distances
// between all images of the batch and their classes; or an image's embedding and its class.
enum class Sees { pairs, triplets, batch, image };

// Images of a tuple: of a batch, each is one of its own.
inline int branches_of(Sees sees) {
    return sees == Sees::pairs ? 2 : sees == Sees::triplets ? 3 : 1;
}

enum class AttributeType { integer, real, boolean, text };

// Shapes and loop bounds are ints.
constexpr double any_integer = std::numeric_limits<int>::max();

// An attribute that a model file may set on a layer.
struct AttributeRule {
    std::string name;
    AttributeType type;
    std::optional<Attribute> fallback;    // absent: the attribute must be given
    double minimum = 0;                   // inclusive, for numbers
    std::string help = {};                // one line, also in `siamc layers` and models/README.md
    double maximum = any_integer;         // inclusive, where it is less than that
    std::vector<Attribute> samples = {};  // what tests try; empty: by its type
};

constexpr int every_branch = -1;

// One appearance of a layer in a model.
struct LayerUse {
    std::string name;  // "dense1": of the layer's nodes and parameters
    std::vector<Edge> inputs;
    Attributes attributes;
    SourceLocation location;
    bool training = false;      // what differs from embedding is meant
    int branch = every_branch;  // in training: whose network it is part of, as long as each has one
};

// Of losses that see an image and know so many classes.
constexpr const char* classes_attribute = "classes";

struct Layer {
    std::string name;  // what a model file calls it
    LayerKind kind;
    std::string help;
    std::vector<AttributeRule> attributes = {};
    Sees sees = Sees::pairs;        // losses
    bool flat_input = false;        // a flatten is put in front of it where needed
    bool reads_images = false;      // [width height] or [channels width height], no flat input
    std::string second_input = {};  // the attribute that names an earlier layer to read as well
    // Appends the layer's nodes to the graph and returns its result. Layers get one input edge, or
    // with second_input two; distances two (one per branch, same shape, tuple rows). Losses get, of
    // pairs, the distance and the label; of triplets the distances anchor-positive and
    // anchor-negative; of the batch the inputs of layers/batch_loss.h; of an image its embedding
    // and its class, below the attribute classes_attribute.
    std::function<Edge(Graph&, const LayerUse&)> build = {};
    // Distances: what each embedding goes through by itself before it is compared; empty: nothing.
    std::function<Edge(Graph&, const LayerUse&)> prepare = {};
    // Distances: appends those between all images of the batch. Inputs as layers/pairwise.h. Empty:
    // such a distance compares tuples alone.
    std::function<Edge(Graph&, const LayerUse&)> build_matrix = {};
};

// Every layer of layers.def, in its order.
const std::vector<Layer>& all_layers();
// nullptr if there is none of that name and kind.
const Layer* find_layer(const std::string& name, LayerKind kind);

}  // namespace siamc::compiler
