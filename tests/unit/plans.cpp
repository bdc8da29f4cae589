#include "unit/plans.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "abi/siamc/siamc.h"
#include "compile.h"
#include "support/programs.h"

namespace siamc::compiler::test {

namespace {

const char* const odd_model = R"(name = "odd"
[input]
shape = [5, 7]
[[layer]]
type = "dense"
units = 37
activation = "relu"
[[layer]]
type = "dense"
units = 64
bias = false
[[layer]]
type = "dense"
units = 9
[[layer]]
type = "l2_normalize"
[distance]
type = "cosine"
[loss.triplet]
margin = 0.5
[loss.contrastive]
margin = 1.0
)";

// Whose parameters are made of each other before they are used.
const char* const normal_model = R"(name = "normal"
[input]
shape = [28, 28]
[[layer]]
type = "conv2d"
filters = 32
kernel = 3
[[layer]]
type = "batch_norm"
[[layer]]
type = "conv2d"
filters = 64
kernel = 3
bias = false
[[layer]]
type = "batch_norm"
[[layer]]
type = "relu"
[[layer]]
type = "max_pool"
[[layer]]
type = "dense"
units = 40
[[layer]]
type = "batch_norm"
[distance]
type = "cosine"
[loss.triplet]
margin = 0.5
[loss.batch_hard]
margin = 1.0
)";

// Whose weights are worth reading for many rows alone.
const char* const large_model = R"(name = "large"
[input]
shape = [28, 28]
[[layer]]
type = "dense"
units = 2000
[[layer]]
type = "dense"
units = 2200
[distance]
type = "cosine"
[loss.triplet]
margin = 0.5
[loss.contrastive]
margin = 1.0
)";

// The same behind a convolution, whose image each of two tasks gathers for itself.
const char* const large_images = R"(name = "images"
[input]
shape = [28, 28]
[[layer]]
type = "conv2d"
filters = 64
kernel = 5
[[layer]]
type = "max_pool"
[[layer]]
type = "dense"
units = 128
[distance]
type = "cosine"
[loss.contrastive]
margin = 1.0
)";

}  // namespace

std::vector<Planned> plans() {
    std::vector<Planned> all;
    for (const ModelSpec& model :
         {read_model(std::filesystem::path(SIAMC_SOURCE_DIR) / "models/fc.toml"),
          read_model(std::filesystem::path(SIAMC_SOURCE_DIR) / "models/cnn.toml"),
          parse_model(odd_model), parse_model(normal_model), parse_model(large_model),
          parse_model(large_images)}) {
        for (const int batch : {1, 3, 100, 128, 1000})
            for (PlannedProgram& planned : programs_of(model, batch)) {
                const ParameterLayout layout = layout_of(model);
                all.push_back({fmt::format("{} {} for {}", model.name, planned.name, batch),
                               std::move(planned.program), layout});
            }
    }
    return all;
}

Slicing slicing_of(const Program& program, int tuples) {
    siamc_program tables = {};
    tables.tuple_quantum = program.tuple_quantum;
    tables.slice_tuples = program.slice_tuples;
    tables.least_slice_tuples = program.least_slice_tuples;
    const int slice = siamc_slice_tuples(&tables, tuples);
    return {tuples, slice, (tuples + slice - 1) / slice};
}

std::vector<Slicing> slicings_of(const Program& program) {
    std::vector<Slicing> all;
    for (int tuples = program.tuple_quantum; tuples <= program.batch;
         tuples += program.tuple_quantum)
        all.push_back(slicing_of(program, tuples));
    return all;
}

Range range_of(const Slicing& slicing, int branches, const Call& call, const Operand& operand,
               int task) {
    const int tuple = by_slices(call) ? task * slicing.slice : 0;
    int tuples = slicing.tuples - tuple, slices = slicing.count, slice = 0;
    if (by_slices(call)) {
        tuples = std::min(slicing.slice, tuples);
        slices = 1;
        slice = task;
    }
    const int first = row_count(operand.rows, branches, tuple, slice);
    const long bytes = element_bytes(operand.type);
    long last = 0;
    for (size_t d = 0; d < operand.extent.size(); ++d) {
        int extent = operand.extent[d];
        if (extent == 0) extent = row_count(operand.rows, branches, tuples, slices);
        last += static_cast<long>(extent - 1) * operand.stride[d];
    }
    const long begin = operand.offset + task * operand.task_stride + first * operand.row_stride;
    return {begin, begin + (last + 1) * bytes};
}

const Placement* placement_of(const Program& program, NodeId id) {
    for (const Placement& tensor : program.arena)
        if (tensor.node == base_of(program.graph, id)) return &tensor;
    return nullptr;
}

}  // namespace siamc::compiler::test
