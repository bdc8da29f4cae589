#include "tune/kernel_buffers.h"

#include <algorithm>
#include <cmath>

#include "layers/active.h"
#include "layers/active_tuples.h"
#include "layers/structural.h"
#include "layers/windows.h"
#include "layers/winners.h"
#include "passes/planning.h"
#include "sampling/random.h"

namespace siamc::compiler {

namespace {

constexpr int stored_images = 1024;
constexpr long line = 64;

// What names rows, each once and in order: all tuples are active.
bool names_rows(const Op* op) {
    return op == &places_op() || op == &ordinal_op() || op == &active_tuples_op() ||
           op == &active_places_op() || op == &active_images_op() || op == &summed_images_op() ||
           op == &summed_adjoints_op();
}

int classes_of(const Node& node) {
    constexpr long usual = 10;
    return static_cast<int>(node.attributes.count(classes_attribute)
                                ? integer(node.attributes, classes_attribute)
                                : usual);
}

// No input is zero, so there is nothing to skip: activity says that every row is active.
void fill(std::uint8_t* data, long elements, const Node& node, ElementType type,
          std::uint8_t all_rows, Random random) {
    auto* floats = reinterpret_cast<float*>(data);
    auto* integers = reinterpret_cast<std::int32_t*>(data);
    for (long i = 0; i < elements; ++i) {
        if (node.op == &activity_op() || node.op == &listed_activity_op())
            data[i] = all_rows;
        else if (node.op == &winner_op())
            data[i] = static_cast<std::uint8_t>(random.below(pooling_window(node).area()));
        else if (type == ElementType::float16)  // from 0.25 to 0.5
            reinterpret_cast<std::uint16_t*>(data)[i] =
                static_cast<std::uint16_t>(0x3400 + random.below(1024));
        else if (type == ElementType::uint8)
            data[i] = static_cast<std::uint8_t>(random.next());
        else if (names_rows(node.op))
            integers[i] = static_cast<std::int32_t>(i);
        else if (node.op == &noise_op())
            integers[i] = static_cast<std::int32_t>(random.next());
        else if (node.op == &class_op())
            floats[i] = static_cast<float>(random.below(static_cast<unsigned>(classes_of(node))));
        else if (node.op == &rows_op())
            integers[i] = random.between(0, stored_images - 1);
        else if (node.op == &shifts_op())
            integers[i] = random.between(-2, 2);
        else if (node.op == &label_op())
            floats[i] = static_cast<float>(random.below(2));
        else
            floats[i] = 0.25f + 0.75f * random.uniform();  // all have a root
    }
}

}  // namespace

KernelBuffers::KernelBuffers(const KernelTask& task) : inputs_(task.kernel->inputs.size()) {
    for (std::size_t i = 0; i < task.operands.size(); ++i) add(task, i);
    for (const auto& box : boxes_) arguments_.push_back(&box->buffer);
}

void KernelBuffers::add(const KernelTask& task, std::size_t number) {
    const Operand& operand = task.operands[number];
    auto box = std::make_unique<Box>();
    box->extents = extents(task, operand, stored_images);
    box->strides = operand.stride;
    long elements = 1 + std::max(0, operand.readable - operand.extent[0]);
    for (std::size_t d = 0; d < box->extents.size(); ++d) {
        elements += static_cast<long>(box->extents[d] - 1) * box->strides[d];
        const int readable = d == 0 ? operand.readable : 0;
        box->dims.push_back({0, std::max(box->extents[d], readable), box->strides[d], 0});
    }
    const long bytes = elements * element_bytes(operand.type);
    box->memory = std::make_unique<std::uint8_t[]>(static_cast<std::size_t>(bytes + line));
    const auto address = reinterpret_cast<std::uintptr_t>(box->memory.get());
    box->data = box->memory.get() + (line - static_cast<long>(address % line)) % line;
    if (number < inputs_)
        fill(box->data, elements, (*task.graph)[operand.node], operand.type,
             static_cast<std::uint8_t>(task.single_row ? 1 : (1 << row_quantum) - 1),
             Random(0, Stream::parameters, 0, static_cast<std::uint32_t>(number)));
    else
        std::fill_n(box->data, bytes, std::uint8_t{0xFF});  // floats: not a number
    box->buffer.host = box->data;
    switch (operand.type) {
        case ElementType::uint8:
            box->buffer.type = halide_type_of<std::uint8_t>();
            break;
        case ElementType::float16:
            box->buffer.type = halide_type_t(halide_type_float, 16);
            break;
        case ElementType::int32:
            box->buffer.type = halide_type_of<std::int32_t>();
            break;
        default:
            box->buffer.type = halide_type_of<float>();
    }
    box->buffer.dimensions = static_cast<std::int32_t>(box->dims.size());
    box->buffer.dim = box->dims.data();
    boxes_.push_back(std::move(box));
}

float KernelBuffers::value_of(const Box& box, long element) {
    if (box.buffer.type.bits == 8) return box.data[element];
    if (box.buffer.type.bits == 32) return reinterpret_cast<const float*>(box.data)[element];
    const std::uint16_t bits = reinterpret_cast<const std::uint16_t*>(box.data)[element];
    return static_cast<float>(Halide::float16_t::make_from_bits(bits));
}

std::vector<float> KernelBuffers::values_of(const Box& box) {
    std::vector<float> values;
    std::vector<int> index(box.extents.size(), 0);
    while (true) {
        long offset = 0;
        for (std::size_t d = 0; d < index.size(); ++d)
            offset += static_cast<long>(index[d]) * box.strides[d];
        values.push_back(value_of(box, offset));
        std::size_t d = 0;
        while (d < index.size() && ++index[d] == box.extents[d]) index[d++] = 0;
        if (d == index.size()) return values;
    }
}

std::vector<float> KernelBuffers::outputs() const {
    std::vector<float> all;
    for (std::size_t b = inputs_; b < boxes_.size(); ++b) {
        const std::vector<float> values = values_of(*boxes_[b]);
        all.insert(all.end(), values.begin(), values.end());
    }
    return all;
}

long KernelBuffers::output_floats() const {
    return static_cast<long>(outputs().size());
}

double KernelBuffers::error_against(const float* reference) const {
    double worst = 0;
    for (std::size_t b = inputs_; b < boxes_.size(); ++b) {
        double largest = 1e-30, difference = 0;
        for (float value : values_of(*boxes_[b])) {
            const double apart = std::abs(static_cast<double>(value) - *reference);
            if (!(apart <= difference)) difference = apart;
            if (std::isnan(apart)) return apart;
            largest = std::max(largest, std::abs(static_cast<double>(*reference++)));
        }
        worst = std::max(worst, difference / largest);
    }
    return worst;
}

}  // namespace siamc::compiler
