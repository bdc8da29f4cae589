#include "support/box.h"

#include <algorithm>
#include <cstring>

namespace siamc::compiler::test {

namespace {

void store(uint8_t* to, ElementType type, double value) {
    const auto as_float = static_cast<float>(value);
    const auto as_int = static_cast<int32_t>(value);
    const uint16_t as_half = Halide::float16_t(value).to_bits();
    if (type == ElementType::float16)
        std::memcpy(to, &as_half, sizeof as_half);
    else if (type == ElementType::uint8)
        *to = static_cast<uint8_t>(value);
    else if (type == ElementType::int32)
        std::memcpy(to, &as_int, sizeof as_int);
    else
        std::memcpy(to, &as_float, sizeof as_float);
}

double load(const uint8_t* from, ElementType type) {
    float as_float;
    int32_t as_int;
    uint16_t as_half;
    if (type == ElementType::uint8) return *from;
    std::memcpy(&as_half, from, sizeof as_half);
    if (type == ElementType::float16)
        return static_cast<double>(Halide::float16_t::make_from_bits(as_half));
    std::memcpy(&as_float, from, sizeof as_float);
    std::memcpy(&as_int, from, sizeof as_int);
    return type == ElementType::int32 ? as_int : static_cast<double>(as_float);
}

std::vector<int> extents_of(const Operand& operand, const Tensor64& tensor) {
    std::vector<int> extents = operand.extent;
    if (tensor.shape.rows != Rows::none) extents.back() = tensor.rows;
    return extents;
}

// Bytes from the first element to the end of the last that may be read.
size_t span(const Operand& operand, const std::vector<int>& extents) {
    long last = std::max(0, operand.readable - extents[0]);
    for (size_t d = 0; d < extents.size(); ++d)
        last += static_cast<long>(extents[d] - 1) * operand.stride[d];
    return static_cast<size_t>((last + 1) * element_bytes(operand.type));
}

}  // namespace

Box::Box(const Operand& operand, const Tensor64& tensor, int task, Against side)
    : operand_(operand),
      element_bytes_(element_bytes(operand.type)),
      extent_(extents_of(operand, tensor)),
      start_(extent_.size()),
      memory_(span(operand, extent_), side) {
    long first = task * operand.task_stride / element_bytes_;
    for (size_t d = start_.size(); d-- > 0;) {
        start_[d] = static_cast<int>(first / operand.stride[d]);
        first %= operand.stride[d];
    }
    long stride = 1;
    for (size_t d = 0; d < extent_.size(); ++d) {
        tensor_stride_.push_back(stride);
        if (d < tensor.shape.dims.size()) stride *= tensor.shape.dims[d];
    }
    std::memset(memory_.data(), 0xFF, span(operand, extent_));  // NaNs, where floats are expected
}

void Box::fill(const Tensor64& tensor) {
    for_each([&](const auto&, uint8_t* element, size_t index) {
        store(element, operand_.type, tensor.data.at(index));
    });
}

void Box::read_into(Tensor64& tensor) const {
    for_each([&](const auto&, const uint8_t* element, size_t index) {
        tensor.data.at(index) = value(element);
    });
}

bool Box::holds(const Tensor64& tensor) const {
    bool same = true;
    for_each([&](const auto&, const uint8_t* element, size_t index) {
        uint8_t expected[4] = {};
        store(expected, operand_.type, tensor.data.at(index));
        same = same && std::memcmp(element, expected, static_cast<size_t>(element_bytes_)) == 0;
    });
    return same;
}

double Box::value(const uint8_t* element) const {
    return load(element, operand_.type);
}

halide_buffer_t* Box::buffer() {
    for (size_t d = 0; d < extent_.size(); ++d)
        dims_[d] = halide_dimension_t(
            0, d == 0 ? std::max(extent_[d], operand_.readable) : extent_[d], operand_.stride[d]);
    const auto code = operand_.type == ElementType::uint8   ? halide_type_uint
                      : operand_.type == ElementType::int32 ? halide_type_int
                                                            : halide_type_float;
    buffer_ = {};
    buffer_.type = halide_type_t(code, static_cast<uint8_t>(8 * element_bytes_));
    buffer_.host = memory_.data();
    buffer_.dimensions = static_cast<int>(extent_.size());
    buffer_.dim = dims_.data();
    return &buffer_;
}

}  // namespace siamc::compiler::test
