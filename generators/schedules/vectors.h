// How extents are cut into vectors.
#pragma once

#include <Halide.h>

#include <algorithm>

namespace siamc::compiler {

constexpr int most_lanes = 16;  // floats of the widest vectors

// The registers of a target, in floats.
struct Vectors {
    explicit Vectors(const Halide::Target& target)
        : lanes(target.natural_vector_size<float>()),
          many_registers(target.has_feature(Halide::Target::AVX512) ||
                         target.has_feature(Halide::Target::AVX512_Skylake) ||
                         target.arch == Halide::Target::ARM),
          by_lane(target.arch == Halide::Target::ARM) {}

    int lanes;
    bool many_registers;  // 32 instead of 16
    bool by_lane;         // a multiply-add takes any lane of a register as its factor

    // The widest of the vectors that divides the extent; a guarded full one if none does.
    int width_for(int extent) const {
        for (int width = lanes; width >= 4; width /= 2)
            if (extent % width == 0) return width;
        return std::min(lanes, extent);
    }

    // Of a register tile, whose last vector may stick out of the extent: all of its sums are made,
    // and those beyond are not stored. What they read lies behind the extent (Operand::readable).
    int tile_width(int extent) const {
        int width = lanes;
        while (width > 4 && width >= 2 * extent) width /= 2;
        return extent < 3 ? extent : width;
    }

    // Full vectors, the last of which may do again what the one before has done.
    void channels(Halide::Func& out, const Halide::Var& c, int extent) const {
        if (extent >= lanes)
            out.vectorize(c, lanes, Halide::TailStrategy::ShiftInwards);
        else if (extent >= 4)
            out.vectorize(c, 4, Halide::TailStrategy::ShiftInwards);
    }
};

constexpr int lane_group = 4;  // factors that one register holds for multiply-adds by lane

// Loads what a turn of that loop of `sum` broadcasts, lane_group numbers of the factor's first
// dimension, a register at a time.
inline void load_by_lane(Halide::Func loaded, const Halide::Func& sum,
                         const Halide::VarOrRVar& loop) {
    loaded.compute_at(Halide::LoopLevel(sum, loop)).store_in(Halide::MemoryType::Stack);
    loaded.bound_extent(loaded.args()[0], lane_group).vectorize(loaded.args()[0]);
    for (int d = 1; d < loaded.dimensions(); ++d) loaded.unroll(loaded.args()[d]);
}

// Of a loop over `extent` in steps of `width`.
inline Halide::TailStrategy tail(int extent, int width) {
    return extent % width == 0 ? Halide::TailStrategy::RoundUp : Halide::TailStrategy::GuardWithIf;
}

// Vectors that an extent is cut into, the last perhaps in part.
inline int vectors_in(int extent, int width) {
    return (extent + width - 1) / width;
}

// Vectors of a register tile with that many rows, at most `most`: the number that takes the least
// time. A tile of few sums waits for them: of multiply-adds `latency` are in flight.
inline int tile_vectors(int extent, int width, int most, int rows) {
    constexpr int latency = 8;  // two a cycle, each of which takes four
    const int all = vectors_in(extent, width);
    int best = 1, least = all * std::max(rows, latency);
    for (int vectors = 2; vectors <= std::min(most, all); ++vectors) {
        const int time = vectors_in(all, vectors) * std::max(vectors * rows, latency);
        // Of equal ones the tile that divides the extent, then the larger.
        if (time > least || (time == least && all % vectors != 0 && all % best == 0)) continue;
        best = vectors;
        least = time;
    }
    return best;
}

// Of a loop over `extent` in tiles of so many vectors: if these are all there are, the last one is
// stored in part, else the last tile does again what the one before has done.
inline Halide::TailStrategy tile_tail(int extent, int width, int vectors) {
    return vectors_in(extent, width) % vectors == 0 ? tail(extent, width * vectors)
                                                    : Halide::TailStrategy::ShiftInwards;
}

// Tiles of so many vectors that lie side by side in at most `most` of an extent's numbers: as many
// as there may be, unless more than a twentieth would be done again.
inline int tiles_side_by_side(int extent, int width, int vectors, int most) {
    const int all = vectors_in(extent, width), tiles = vectors_in(all, vectors);
    for (int wide = std::min(most / (width * vectors), all / vectors); wide > 1; --wide)
        if (20 * vectors_in(all, wide * vectors) * wide <= 21 * tiles) return wide;
    return 1;
}

// Vectors side by side in a tile: as many as registers allow and the extent divides into.
inline int vectors_for(int extent, int width, int most) {
    while (most > 1 && extent % (width * most) != 0) --most;
    return most;
}

}  // namespace siamc::compiler
