// Where every tensor of a program lies, and which kernels are called on what, in which order.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "passes/fuse.h"

namespace siamc::compiler {

// Whose memory a tensor is in. The numbers are those of enum siamc_space in
// siamc/internal/tables.h.
enum class Space {
    arena = 0,
    parameters = 1,
    gradient = 2,
    dataset = 3,  // stored images or embeddings
    hyper = 6,    // an optimiser's hyper-parameters
    // Tables for many steps, on devices (emit/transfers.h).
    rows_table = 7,
    shifts_table = 8,
    labels_table = 9,
    hyper_table = 10,
    results = 11,
};

// One buffer that a kernel is called with: a box inside a tensor, in elements, innermost first.
struct Operand {
    NodeId node = -1;
    Space space = Space::arena;
    ElementType type = ElementType::float32;
    std::vector<int> extent, stride;  // the row dimension, if there is one, is the last
    // Of what is read: numbers of the innermost dimension that may be, though those behind its
    // extent have no meaning (schedules/vectors.h). 0: no more than there are.
    int readable = 0;
    Rows rows = Rows::none;  // what that dimension counts
    long offset = 0;         // bytes from the start of the space
    long task_stride = 0;    // bytes between the boxes of consecutive tasks
    long row_stride = 0;     // bytes between rows, where slices share them out
};

struct Call {
    int kernel = -1;                // index into Program::kernels
    int tasks = 0;                  // 0: one per slice of the batch
    std::vector<Operand> operands;  // inputs, then outputs
};

// A tensor in the arena. Slice tensors are laid out slice by slice and share memory where their
// lives, counted in calls, do not meet.
struct Placement {
    NodeId node = -1;
    bool per_slice = false;
    long offset = 0;  // bytes; of a slice tensor: within its slice's part
    long bytes = 0;   // of a slice tensor: of one slice
    int first_call = 0, last_call = 0;
};

// Consecutive calls whose tasks run in parallel.
struct Part {
    int calls = 0;
    bool by_slices = false;  // a task takes one slice through all calls
    int tasks = 0;           // so many tasks go through all calls; 0: each call has its own
    int forward_calls = 0;   // after so many a slice lists its active tuples; 0: it lists none
};

struct ParameterSlot {
    std::string name;
    std::vector<int> dims;               // innermost first
    long offset = 0;                     // floats from the start of the flat buffer
    std::optional<double> initial = {};  // of all numbers; empty: drawn by Glorot's rule
};

// One entry point of the generated library.
struct Program {
    Graph graph;
    std::vector<Kernel> kernels;
    std::vector<Call> calls;  // prologue, then slices, then batch
    std::vector<Part> parts;
    long multiply_adds = 0;  // that an image's way forward needs, or both ways in training
    std::vector<Placement> arena;
    int batch = 0;               // the most tuples it is planned for
    int slice_tuples = 0;        // a full slice; small batches have smaller ones, to have slices
    int slices = 0;              // at most
    int least_slice_tuples = 0;  // of a batch that has them
    int tuple_quantum = 0;       // tuples are padded to a multiple of this
    long slice_offset = 0;       // bytes: where the slices' parts start
    long slice_bytes = 0;        // of one slice's part
    long first_images = 0;       // bytes: where the executor notes each slice's first image row
    long active_counts = 0;      // bytes: where it notes how many active images each slice has
    long arena_bytes = 0;
};

// The flat parameter buffer: statistics, every other parameter of the model in the order of its
// layers, then those that only losses have, each on a boundary of 256 bytes (what OpenCL wants of a
// part of a buffer), then zeros up to a multiple that lets `optimizer_tasks` equal blocks of whole
// cache lines cover what lies behind the statistics.
struct ParameterLayout {
    std::vector<ParameterSlot> slots;
    size_t shared =
        0;           // the first slots, which embedding and distance read; losses have the others
    long count = 0;  // floats that are parameters
    long statistics = 0;  // floats of the buffer that hold statistics, the first ones
    long padded = 0;      // floats of the buffer
};

inline long round_up(long value, long multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

// Rows of that kind, where so many tuples all show images of their own; datasets and none: 0.
int row_count(Rows kind, int branches, int tuples, int slices);

// Tuples that a program for `batch` of them runs at most: whole register tiles of rows, unless it
// only ever sees one image.
int padded_batch(int batch, int branches);

constexpr int optimizer_tasks = 8;

// Of graphs whose parameters are the model's, and of those of losses.
[[nodiscard]] ParameterLayout lay_out_parameters(const std::vector<Graph>& model,
                                                 const std::vector<Graph>& losses = {});

// What runs a program. A GPU takes the whole batch as one slice, in rows for whole tiles of its
// blocks, each kernel as one task.
enum class Processor { cpu, gpu };

// `batch` in tuples. Slices for CPUs hold up to 32 or 48 rows.
[[nodiscard]] Program plan(const Graph& graph, const ParameterLayout& parameters, int batch,
                           Processor processor = Processor::cpu);

// The arena as text: one tensor a line, with its life as a bar over the calls.
std::string to_string(const Program& program);

}  // namespace siamc::compiler
