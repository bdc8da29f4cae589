// Schedules of convolutions, of pooling and of their gradients.
//
// A convolution holds a tile of its result in registers while it walks the window and all channels:
// some pixels times some vectors of filters. Each step takes a vector of weights per vector of
// filters and broadcasts one number of the image per pixel. Where pooling follows, the pixels of a
// tile are those of whole pooling windows, so that only what is pooled leaves the registers.
#include "schedules/schedule.h"
#include "schedules/vectors.h"

namespace siamc::compiler {

using Halide::Func;
using Halide::LoopLevel;
using Halide::MemoryType;
using Halide::RVar;
using Halide::TailStrategy;
using Halide::Var;

namespace {

// The measured number of vectors in a tile, as far as it divides those of the filters; or by the
// rule.
int vectors_of(const KernelFuncs& kernel, int width, int rule, int rows) {
    const int measured = kernel.tile.vectors, filters = kernel.dims[0][0];
    if (measured > 0 && vectors_in(filters, width) % measured == 0) return measured;
    return tile_vectors(filters, width, measured > 0 ? measured : rule, rows);
}

// A tile's extents: vectors of filters, and results of one line (pooled, if pooling follows).
struct Tile {
    int vectors = 1, wide = 1;
};

// Accumulators that leave registers for the weights and a broadcast: of 16, or of 32. 24 of 32 took
// nearly twice as long (172 instead of 91 us for 32 images of 28 x 28, AMD EPYC Zen 4, November
// 2026): with the window unrolled, what a tile loads ahead no longer fits.
int most_accumulators(const Vectors& registers) {
    return registers.many_registers ? 16 : 12;
}

// The fewest loads for each pixel among the tiles that fit the registers: v vectors of p pixels do
// v p multiply-adds with v + p loads.
Tile best_tile(const KernelFuncs& kernel, const Vectors& registers, int width) {
    const int measured = kernel.tile.wide;
    if (kernel.tile.vectors > 0 && measured > 0)
        return {vectors_of(kernel, width, 0, 8), vectors_for(kernel.dims[0][1], 1, measured)};
    const int all = vectors_in(kernel.dims[0][0], width), results = kernel.dims[0][1];
    Tile best;
    double least = 0;
    for (int vectors = 1; vectors <= 4; ++vectors)
        for (int wide = 1; wide <= results; ++wide) {
            const int line = (wide - 1) * kernel.pool_stride + kernel.pool_window;
            const int pixels = line * kernel.pool_window;
            const bool first = vectors == 1 && wide == 1;
            const bool fits = vectors <= all && results % wide == 0 &&
                              vectors * pixels <= most_accumulators(registers);
            if (!first && !fits) continue;
            const int loads = vectors_in(all, vectors) * (vectors + pixels);
            const double each = static_cast<double>(loads) / pixels;
            if (first || each < least) {
                best = {vectors, wide};
                least = each;
            }
        }
    return best;
}

void schedule_sums(KernelFuncs& kernel, const Vectors& registers) {
    Func out = kernel.outputs[0], sum = kernel.values[0];
    const int filters = kernel.dims[0][0], width = registers.tile_width(filters);
    const Tile tile = best_tile(kernel, registers, width);
    const int across = width * tile.vectors;
    const TailStrategy strategy = tile_tail(filters, width, tile.vectors);
    const std::vector<Var> args = out.args();
    const Var &n = args[0], &x = args[1], &y = args[2], &row = args[3];
    Var no("no"), ni("ni"), xo("xo"), xi("xi");
    out.split(n, no, ni, across, strategy)
        .split(x, xo, xi, tile.wide)
        .reorder(ni, xi, xo, y, no, row)
        .vectorize(ni, width)
        .unroll(ni)
        .unroll(xi);
    const Var sn = sum.args()[0], sx = sum.args()[1], sy = sum.args()[2];
    const RVar channel = sum.rvars()[0], i = sum.rvars()[1], j = sum.rvars()[2];
    sum.compute_at(out, xo)
        .store_in(MemoryType::Stack)
        .bound_extent(sn, across)
        .vectorize(sn, width)
        .unroll(sn)
        .unroll(sx)
        .unroll(sy);
    sum.update()
        .reorder(sn, sx, sy, channel, i, j)
        .vectorize(sn, width)
        .unroll(sn)
        .unroll(sx)
        .unroll(sy);
    if (kernel.channels == 1) sum.update().unroll(i);
}

// All sums of a tile walk the rows of the slice and their pixels.
void schedule_slice_sum(KernelFuncs& kernel, const Vectors& registers) {
    Func out = kernel.outputs[0], sum = kernel.values[0];
    const int filters = kernel.dims[0][0], width = registers.tile_width(filters);
    const bool vector_only = kernel.dims[0].size() == 1;
    const int vectors = vectors_of(kernel, width, vector_only ? 8 : 2, vector_only ? 1 : 4);
    const TailStrategy strategy = tile_tail(filters, width, vectors);
    const Var n = out.args()[0], sn = sum.args()[0];
    Var no("no"), ni("ni");
    out.split(n, no, ni, width * vectors, strategy).vectorize(ni, width).unroll(ni);
    sum.compute_at(out, no)
        .store_in(MemoryType::Stack)
        .bound_extent(sn, width * vectors)
        .vectorize(sn, width)
        .unroll(sn);
    std::vector<Halide::VarOrRVar> order = {sn};
    if (!vector_only) {
        const Var c = out.args()[1], i = out.args()[2], j = out.args()[3];
        const Var sc = sum.args()[1], si = sum.args()[2];
        const int tall = vectors_for(kernel.dims[0][1], 1, 4);
        Var co("co"), ci("ci");
        const bool whole_line = tall == 1;
        out.split(c, co, ci, tall);
        if (whole_line)
            out.reorder(ni, ci, i, no, co, j);
        else
            out.reorder(ni, ci, no, co, i, j);
        sum.unroll(sc);
        order.emplace_back(sc);
        if (whole_line) {
            sum.unroll(si);
            sum.update().unroll(si);
            order.emplace_back(si);
        }
    }
    for (const RVar& at : sum.rvars()) order.emplace_back(at);
    sum.update().reorder(order).vectorize(sn, width).unroll(sn);
    if (!vector_only) sum.update().unroll(sum.args()[1]);
}

void schedule_sum_of_slices(KernelFuncs& kernel, const Vectors& registers) {
    Func out = kernel.outputs[0], sum = kernel.values[0];
    const int extent = kernel.dims[0][0];
    const int width = extent >= registers.lanes ? registers.lanes : std::min(extent, 4);
    const Var n = out.args()[0], sn = sum.args()[0];
    Var no("no"), ni("ni");
    // Shifted: what is read may lie the other way, and end with the extent.
    out.split(n, no, ni, width, TailStrategy::ShiftInwards).vectorize(ni, width);
    sum.compute_at(out, no).store_in(MemoryType::Stack).vectorize(sn, width);
    sum.update().vectorize(sn, width);
}

// Vectors of channels for each of a kernel's places, of a tile that is added to where it lies: they
// divide what there are, as nothing may be added twice.
int vectors_over_taps(const KernelFuncs& kernel, int width) {
    const int measured = kernel.tile.vectors, taps = kernel.taps[0] * kernel.taps[1];
    return vectors_for(vectors_in(kernel.dims[0][0], width), 1,
                       measured > 0 ? measured : std::max(1, 18 / taps));
}

// The image's gradient lies in the first cache while the filters walk over its windows, each with
// its weights in registers.
void schedule_grad_input_won(KernelFuncs& kernel, const Vectors& registers) {
    Func out = kernel.outputs[0];
    const Var c = out.args()[0], row = out.args()[3];
    const int channels = kernel.dims[0][0], width = registers.width_for(channels);
    const TailStrategy strategy = tail(channels, width);
    const std::vector<RVar> k = out.rvars();
    const int vectors = vectors_over_taps(kernel, width);
    Var co("co"), ci("ci");
    out.vectorize(c, width, strategy);
    out.update()
        .split(c, co, ci, width * vectors, strategy)
        .reorder(ci, k[0], k[1], k[2], k[3], k[4], co, row)
        .allow_race_conditions()
        .vectorize(ci, width)
        .unroll(ci)
        .unroll(k[0])
        .unroll(k[1]);
}

// A filter's weights are summed in registers over the windows of an image, and the images of the
// slice one after the other where the result lies.
void schedule_grad_kernel_won(KernelFuncs& kernel, Func image_sum, const Vectors& registers) {
    Func out = kernel.outputs[0];
    const Var c = out.args()[0], i = out.args()[1], j = out.args()[2], n = out.args()[3];
    const int channels = kernel.dims[0][0], width = registers.tile_width(channels);
    const int vectors = vectors_over_taps(kernel, width);
    const TailStrategy strategy = tail(channels, width * vectors);
    Var co("co"), ci("ci");
    out.vectorize(c, width, tail(channels, width));
    out.update()
        .split(c, co, ci, width * vectors, strategy)
        .reorder(ci, i, j, n, co, out.rvars()[0])
        .vectorize(ci, width)
        .unroll(ci)
        .unroll(i)
        .unroll(j);
    const Var sc = image_sum.args()[0], si = image_sum.args()[1], sj = image_sum.args()[2];
    image_sum.compute_at(out, n)
        .store_in(MemoryType::Stack)
        .bound_extent(sc, width * vectors)
        .vectorize(sc, width)
        .unroll(sc)
        .unroll(si)
        .unroll(sj);
    image_sum.update()
        .reorder(sc, si, sj, image_sum.rvars()[0], image_sum.rvars()[1])
        .vectorize(sc, width)
        .unroll(sc)
        .unroll(si)
        .unroll(sj);
}

// A tile of filters times channels is summed in registers over the pixels of an image, and added to
// where the result lies: the image stays in the first caches for all tiles.
void schedule_grad_kernel_by_image(KernelFuncs& kernel, Func pixel_sum, const Vectors& registers) {
    Func out = kernel.outputs[0];
    const Var n = out.args()[0], c = out.args()[1], i = out.args()[2], j = out.args()[3];
    const int filters = kernel.dims[0][0], width = registers.tile_width(filters);
    const int most = kernel.tile.vectors > 0    ? kernel.tile.vectors
                     : registers.many_registers ? 4
                                                : 2;
    const int vectors = vectors_for(vectors_in(filters, width), 1, most);
    const int tall = vectors_for(kernel.dims[0][1], 1, most_accumulators(registers) / vectors);
    Var no("no"), ni("ni"), co("co"), ci("ci");
    out.vectorize(n, width, tail(filters, width));
    out.update()
        .split(n, no, ni, width * vectors, tail(filters, width * vectors))
        .split(c, co, ci, tall)
        .reorder(ni, ci, i, j, co, no, out.rvars()[0])
        .vectorize(ni, width)
        .unroll(ni)
        .unroll(ci);
    const Var sn = pixel_sum.args()[0], sc = pixel_sum.args()[1];
    pixel_sum.compute_at(out, i)
        .store_in(MemoryType::Stack)
        .bound_extent(sn, width * vectors)
        .vectorize(sn, width)
        .unroll(sn)
        .unroll(sc);
    pixel_sum.update()
        .reorder(sn, sc, pixel_sum.rvars()[0], pixel_sum.rvars()[1])
        .vectorize(sn, width)
        .unroll(sn)
        .unroll(sc);
}

void schedule_scatter(KernelFuncs& kernel, const Vectors& registers) {
    if (const auto image_sum = find(kernel, Role::image_sum))
        return schedule_grad_kernel_won(kernel, *image_sum, registers);
    if (const auto pixel_sum = find(kernel, Role::pixel_sum))
        return schedule_grad_kernel_by_image(kernel, *pixel_sum, registers);
    schedule_grad_input_won(kernel, registers);
}

void schedule_pooling(KernelFuncs& kernel, const Vectors& registers) {
    Func out = kernel.outputs[0];
    const Var c = out.args()[0];
    registers.channels(out, c, kernel.dims[0][0]);
    for (Func& func : all_funcs(kernel)) {  // of a whole image
        if (!func.has_update_definition()) continue;
        func.compute_at(out, c).store_in(MemoryType::Stack);
        if (kernel.dims[0][0] < 4) continue;
        const int width = kernel.dims[0][0] >= registers.lanes ? registers.lanes : 4;
        const Var sum_c = func.args()[0];
        func.vectorize(sum_c, width);
        func.update().reorder(sum_c, func.rvars()[0], func.rvars()[1]).vectorize(sum_c, width);
    }
}

}  // namespace

void schedule_convolution(KernelFuncs& kernel, const Halide::Target& target) {
    const Vectors registers(target);
    switch (kernel.pattern) {
        case Pattern::convolution:
            if (find(kernel, Role::winograd_sum)) return schedule_winograd(kernel, registers);
            return schedule_sums(kernel, registers);
        case Pattern::slice_sum:
            return schedule_slice_sum(kernel, registers);
        case Pattern::sum_slices:
            return schedule_sum_of_slices(kernel, registers);
        case Pattern::scatter:
            return schedule_scatter(kernel, registers);
        case Pattern::pooling:
            return schedule_pooling(kernel, registers);
        default:
            return registers.channels(kernel.outputs[0], kernel.outputs[0].args()[0],
                                      kernel.dims[0][0]);
    }
}

}  // namespace siamc::compiler
