// The FC network, or one of other widths, in double precision, as naive loops: what the generated
// library is held to.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "fc.h"

namespace siamc::test {

using Doubles = std::vector<double>;

// One dense layer of the network: kernel [in][out], then the bias, in the flat buffer.
struct DenseLayer {
    int inputs, outputs;
    long kernel, bias;  // offsets in floats
};

inline const DenseLayer dense_layers[3] = {
    {784, 64, FC_DENSE1_KERNEL_OFFSET, FC_DENSE1_BIAS_OFFSET},
    {64, 128, FC_DENSE2_KERNEL_OFFSET, FC_DENSE2_BIAS_OFFSET},
    {128, 256, FC_DENSE3_KERNEL_OFFSET, FC_DENSE3_BIAS_OFFSET},
};

// A row's way through the network: the inputs of each dense layer, then the sums of the last one.
struct Trace {
    Doubles at[4];
    Doubles embedding;
    double inverse_norm = 0;
};

// The image moved right by dx and down by dy; what moves in is 0.
inline Doubles pixels(const std::uint8_t* image, int dx, int dy) {
    Doubles moved(784, 0.0);
    for (int y = 0; y < 28; ++y)
        for (int x = 0; x < 28; ++x) {
            const int from_x = x - dx, from_y = y - dy;
            if (from_x >= 0 && from_x < 28 && from_y >= 0 && from_y < 28)
                moved[static_cast<std::size_t>(28 * y + x)] = image[28 * from_y + from_x] / 255.0;
        }
    return moved;
}

inline Trace forward(const float* parameters, Doubles input,
                     const DenseLayer (&layers)[3] = dense_layers) {
    Trace trace;
    trace.at[0] = std::move(input);
    for (int l = 0; l < 3; ++l) {
        const DenseLayer& layer = layers[l];
        Doubles& out = trace.at[l + 1];
        for (int n = 0; n < layer.outputs; ++n) {
            double sum = parameters[layer.bias + n];
            for (int k = 0; k < layer.inputs; ++k)
                sum += trace.at[l][static_cast<std::size_t>(k)] *
                       parameters[layer.kernel + long{k} * layer.outputs + n];
            out.push_back(l < 2 ? std::max(sum, 0.0) : sum);
        }
    }
    double square = 0;
    for (double z : trace.at[3]) square += z * z;
    trace.inverse_norm = 1 / std::sqrt(std::max(square, 1e-12));
    for (double z : trace.at[3]) trace.embedding.push_back(z * trace.inverse_norm);
    return trace;
}

// Of numbers beside those expected: the largest difference, NaN if one is, and the largest number
// that is expected.
struct Deviation {
    double worst = 0, largest = 0;
};

inline Deviation deviation(const float* got, const double* expected, std::size_t count) {
    Deviation found;
    for (std::size_t i = 0; i < count; ++i) {
        found.largest = std::max(found.largest, std::abs(expected[i]));
        const double off = std::abs(got[i] - expected[i]);
        if (std::isnan(off) || off > found.worst) found.worst = off;
        if (std::isnan(off)) break;  // which no later number may hide
    }
    return found;
}

inline double distance(const Doubles& a, const Doubles& b) {
    double square = 0;
    for (std::size_t c = 0; c < a.size(); ++c) square += (a[c] - b[c]) * (a[c] - b[c]);
    return std::sqrt(square);
}

// Adds scale * dD(a, b)/da to `to_a` and its negative to `to_b`.
inline void add_distance_gradient(const Doubles& a, const Doubles& b, double scale, Doubles& to_a,
                                  Doubles& to_b) {
    const double d = distance(a, b);
    if (d == 0) return;
    for (std::size_t c = 0; c < a.size(); ++c) {
        to_a[c] += scale * (a[c] - b[c]) / d;
        to_b[c] -= scale * (a[c] - b[c]) / d;
    }
}

// Adds the gradient of a row, given that of its embedding, to the flat gradient.
inline void backward(const float* parameters, const Trace& trace, const Doubles& embedding,
                     Doubles& gradient, const DenseLayer (&layers)[3] = dense_layers) {
    double along = 0;
    for (std::size_t c = 0; c < 256; ++c) along += trace.embedding[c] * embedding[c];
    Doubles delta;
    for (std::size_t c = 0; c < 256; ++c)
        delta.push_back(trace.inverse_norm * (embedding[c] - trace.embedding[c] * along));
    for (int l = 2; l >= 0; --l) {
        const DenseLayer& layer = layers[l];
        Doubles below(static_cast<std::size_t>(layer.inputs), 0.0);
        for (int k = 0; k < layer.inputs; ++k)
            for (int n = 0; n < layer.outputs; ++n) {
                const long weight = layer.kernel + long{k} * layer.outputs + n;
                const double d = delta[static_cast<std::size_t>(n)];
                const double x = trace.at[l][static_cast<std::size_t>(k)];
                gradient[static_cast<std::size_t>(weight)] += x * d;
                if (l > 0 && x > 0) below[static_cast<std::size_t>(k)] += d * parameters[weight];
            }
        for (int n = 0; n < layer.outputs; ++n)
            gradient[static_cast<std::size_t>(layer.bias + n)] +=
                delta[static_cast<std::size_t>(n)];
        delta = std::move(below);
    }
}

}  // namespace siamc::test
