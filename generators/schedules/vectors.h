// How extents are cut into vectors.
#pragma once

#include <Halide.h>

#include <algorithm>

namespace siamc::compiler {

// The registers of a target, in floats.
struct Vectors {
    explicit Vectors(const Halide::Target& target)
        : lanes(target.natural_vector_size<float>()),
          many_registers(target.has_feature(Halide::Target::AVX512) ||
                         target.has_feature(Halide::Target::AVX512_Skylake) ||
                         target.arch == Halide::Target::ARM) {}

    int lanes;
    bool many_registers;  // 32 instead of 16

    // The widest of the vectors that divides the extent; a guarded full one if none does.
    int width_for(int extent) const {
        for (int width = lanes; width >= 4; width /= 2)
            if (extent % width == 0) return width;
        return std::min(lanes, extent);
    }

    // Full vectors, the last of which may do again what the one before has done.
    void channels(Halide::Func& out, const Halide::Var& c, int extent) const {
        if (extent >= lanes)
            out.vectorize(c, lanes, Halide::TailStrategy::ShiftInwards);
        else if (extent >= 4)
            out.vectorize(c, 4, Halide::TailStrategy::ShiftInwards);
    }
};

// Of a loop over `extent` in steps of `width`.
inline Halide::TailStrategy tail(int extent, int width) {
    return extent % width == 0 ? Halide::TailStrategy::RoundUp : Halide::TailStrategy::GuardWithIf;
}

// Vectors side by side in a tile: as many as registers allow and the extent divides into.
inline int vectors_for(int extent, int width, int most) {
    while (most > 1 && extent % (width * most) != 0) --most;
    return most;
}

}  // namespace siamc::compiler
