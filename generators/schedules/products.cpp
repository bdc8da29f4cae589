// Products on CPUs with vectors: x86 (SSE4.1, AVX2, AVX-512) and NEON.
//
// They hold a tile of the result in registers while they walk the summed dimension:
// `tile_vectors` vectors of units times `row_quantum` rows. AVX2 has 16 registers: 2 x 4 = 8
// accumulators (two FMAs a cycle of latency 4 need 8 in flight), 2 for the weights, 1 for the
// broadcast input; or all of them with 3 x 4 where the units are cut better so. AVX-512 and NEON
// have 32: 4 x 4 = 16 accumulators, 4 weights, 1 input. Weights come from the second cache: each
// vector of them is used by `row_quantum` FMAs, so it has to give one in two to four cycles.
//
// NEON multiplies by a lane of a register, so there a register of inputs serves four steps: of the
// loop's instructions 74 to 80 in 100 are multiply-adds, where a load for each input left 62 to 68
// (bench/inner-loops).
#include <algorithm>
#include <optional>
#include <utility>

#include "layers/active.h"
#include "layers/pairwise.h"
#include "schedules/schedule.h"
#include "schedules/vectors.h"

namespace siamc::compiler {

using Halide::Func;
using Halide::LoopLevel;
using Halide::MemoryType;
using Halide::RVar;
using Halide::TailStrategy;
using Halide::Target;
using Halide::Var;

namespace {

class ProductSchedule {
  public:
    ProductSchedule(KernelFuncs& kernel, const Target& target)
        : kernel_(kernel), registers_(target), tile_vectors_(registers_.many_registers ? 4 : 3) {}

    void run() {
        switch (kernel_.pattern) {
            case Pattern::pairwise:
                return pairwise();
            case Pattern::batch_sum:
                return batch_sum();
            default:
                return matmul();
        }
    }

  private:
    static constexpr int single_row_vectors = 8;

    // Of a tile: as measured, or the rule's.
    int most_vectors() const {
        return kernel_.tile.vectors > 0 ? kernel_.tile.vectors : tile_vectors_;
    }

    void matmul() {
        Func out = kernel_.outputs[0], product = kernel_.values[0];
        const auto& patterns = kernel_.patterns;
        if (find(kernel_, Role::active_product)) return tile_active_product(out);
        if (std::count(patterns.begin(), patterns.end(), Pattern::rowwise))
            return matmul_then_rows();
        if (kernel_.single_row)
            tile_single_row(out, product, kernel_.dims[0][0]);
        else if (const int depth = depth_block(); depth > 0 && outgrows_cache())
            sum_by_depth(out, product, depth);
        else
            sum_in_tiles(out, product, row_quantum, most_vectors());
    }

    // Sums a tile of `out` in registers: `tall` of its second dimension times up to `most` vectors
    // of its first, which is the inner one: all columns of a tile's rows are made while their
    // inputs are in the first cache. Returns the loop over the second dimension.
    Var sum_in_tiles(Func out, Func sum, int tall, int most) {
        const Var n = out.args()[0], row = out.args()[1];
        const Var sn = sum.args()[0], srow = sum.args()[1];
        const int units = kernel_.dims[0][0], width = registers_.tile_width(units);
        const int vectors = tile_vectors(units, width, most, tall);
        const TailStrategy strategy = tile_tail(units, width, vectors);
        Var no("no"), ni("ni"), ro("ro"), ri("ri");
        out.split(n, no, ni, width * vectors, strategy)
            .split(row, ro, ri, tall, TailStrategy::RoundUp)
            .reorder(ni, ri, no, ro)
            .vectorize(ni, width)
            .unroll(ri);
        sum.compute_at(out, no)
            .store_in(MemoryType::Stack)
            .bound_extent(sn, width * vectors)
            .vectorize(sn, width)
            .unroll(srow);
        walk(sum, tall, width);
        if (vectors > 1) {
            out.unroll(ni);
            sum.unroll(sn);
            sum.update().unroll(sn);
        }
        return ro;
    }

    // The loops of a tile's sum: its rows are unrolled within those over what is summed.
    void walk(Func sum, int tall, int width) {
        const Var n = sum.args()[0], row = sum.args()[1];
        const std::vector<RVar> k = sum.rvars();
        const auto listed = find(kernel_, Role::active_factor);
        Halide::Stage update = sum.update();
        std::vector<Halide::VarOrRVar> loops = {n, row};
        loops.insert(loops.end(), k.begin(), k.end());
        if (registers_.by_lane && listed) {
            // The condition that ends the list encloses this loop of one turn, and what it loads.
            Var once("once");
            update.split(row, once, row, tall);
            loops.insert(loops.end() - 1, once);
            load_by_lane(*listed, sum, once);
        } else if (registers_.by_lane && k.size() == 1 && is_plain_product(sum)) {
            RVar inner("inner"), outer("outer");
            update.split(k[0], outer, inner, lane_group).unroll(inner);
            loops = {n, row, inner, outer};
            load_by_lane(kernel_.factors[0].in(sum), sum, outer);
        }
        update.reorder(loops).vectorize(n, width).unroll(row);
    }

    // Whether all of the first factor's numbers are summed, whole groups of them.
    bool is_plain_product(const Func& sum) const {
        return kernel_.pattern == Pattern::matmul && kernel_.channels % lane_group == 0 &&
               !has_role(sum, Role::pulled_sum) && !has_role(sum, Role::active_product);
    }

    // Of a product: whether its weights leave the second cache between two tiles of rows.
    bool outgrows_cache() const {
        constexpr long most_cached = 1L << 18;  // weights: 1 MiB
        return static_cast<long>(kernel_.channels) * kernel_.dims[0][0] > most_cached;
    }

    // The part of the summed dimension, at least half a block of it, that all rows walk before the
    // next, or 0: sums over the batch are as deep as it has images.
    int depth_block() const {
        constexpr int most = 64;
        if (find(kernel_, Role::pulled_sum)) return 0;
        for (int block = most; block >= most / 2; --block)
            if (kernel_.channels % block == 0) return block;
        return 0;
    }

    // Weights that outgrow the caches are read once: all rows of the slice meet a block of them,
    // some tiles' columns wide and `depth` deep, before the next. Each line of a block is another
    // page of memory where the weights are wide, so it is long. Between blocks sums lie on the
    // stack, at most 72 KiB of them (384 columns, 48 rows): threads have 128 KiB at least.
    void sum_by_depth(Func out, Func sum, int depth) {
        constexpr int most_columns = 384;
        const Var n = out.args()[0], row = out.args()[1];
        const Var sn = sum.args()[0], srow = sum.args()[1];
        const int units = kernel_.dims[0][0], width = registers_.tile_width(units);
        const int vectors = tile_vectors(units, width, most_vectors(), row_quantum);
        const int tiles = tiles_side_by_side(units, width, vectors, most_columns);
        const int tile = width * vectors, block = tile * tiles;
        Var no("no"), ni("ni"), st("st"), sc("sc"), si("si"), so("so");
        out.split(n, no, ni, block, tile_tail(units, width, vectors * tiles))
            .reorder(ni, row, no)
            .vectorize(ni, width);
        sum.compute_at(out, no)
            .store_in(MemoryType::Register)
            .bound_extent(sn, block)
            .bound_storage(srow, most_slice_rows)
            .vectorize(sn, width);
        RVar ko("ko"), ki("ki"), kl("kl");
        const int unrolled = registers_.by_lane && depth % lane_group == 0 ? lane_group : 1;
        sum.update()
            .split(sum.rvars()[0], ko, ki, depth)
            .split(ki, ki, kl, unrolled)
            .split(sn, st, sc, tile)
            .split(srow, so, si, row_quantum, TailStrategy::RoundUp)
            .reorder(sc, si, kl, ki, so, st, ko)
            .vectorize(sc, width)
            .unroll(sc)
            .unroll(si)
            .unroll(kl);
        if (unrolled > 1) load_by_lane(kernel_.factors[0].in(sum), sum, ki);
    }

    // Ranks stay in a register from one to the next only where their loop is not unrolled.
    void list_active(const LoopLevel& at) {
        Func ranks = *find(kernel_, Role::active_ranks),
             places = *find(kernel_, Role::active_places);
        for (Func func : {ranks, places})
            func.compute_at(at)
                .store_in(MemoryType::Stack)
                .bound_storage(func.args()[0], most_listed + 1);
        if (places.rvars().size() == 2)  // a tile's rows, side by side
            places.update().allow_race_conditions().vectorize(places.rvars()[0]);
        else
            places.update().unroll(places.rvars()[0], 4);
    }

    // The list of a tile's rows serves all of its columns.
    void tile_active_product(Func out) {
        Func product = *find(kernel_, Role::active_product);
        const int tall = kernel_.single_row ? 1 : row_quantum;
        const int most = kernel_.single_row ? single_row_vectors : tile_vectors_;
        const Var tiles = sum_in_tiles(out, product, tall, most);
        if (product.rvars().size() == 2) product.update().unroll(product.rvars()[0]);  // of a group
        list_active(LoopLevel(out, tiles));
    }

    // One row has no other rows to hide the latency of its sums behind, so it takes more columns
    // at once.
    void tile_single_row(Func out, Func product, int units) {
        const Var n = out.args()[0], row = out.args()[1];
        Var no("no"), ni("ni");
        const int width = registers_.tile_width(units);
        const int vectors = tile_vectors(units, width, single_row_vectors, 1);
        const TailStrategy strategy = tile_tail(units, width, vectors);
        out.split(n, no, ni, width * vectors, strategy).reorder(ni, row, no).vectorize(ni, width);
        const Var pn = product.args()[0], prow = product.args()[1];
        product.compute_at(out, no)
            .store_in(MemoryType::Stack)
            .bound_extent(pn, width * vectors)
            .vectorize(pn, width);
        // A few rows share what of the weights is in the first cache.
        constexpr int deep = 256, block = 64;
        const RVar k = product.rvars()[0];
        if (kernel_.channels > deep && kernel_.channels % block == 0) {
            RVar ko("ko"), ki("ki");
            product.bound_storage(prow, row_quantum);
            product.update().split(k, ko, ki, block).reorder(pn, ki, prow, ko);
        } else {
            product.update().reorder(pn, prow, k);
        }
        product.update().vectorize(pn, width);
        if (vectors > 1) {
            out.unroll(ni);
            product.unroll(pn);
            product.update().unroll(pn);
        }
    }

    // One row: its sums stay in the first cache until they are finished (normalised).
    void matmul_then_rows() {
        Func out = kernel_.outputs[0], product = kernel_.values[0];
        const Var c = out.args()[0], row = out.args()[1];
        const int units = kernel_.dims[0][0];
        const int width = registers_.tile_width(units);
        out.vectorize(c, width, tail(units, width));
        Func finished = product.in();
        finished.compute_at(out, row).store_in(MemoryType::Stack);
        tile_single_row(finished, product, units);
        for (Func& func : all_funcs(kernel_))
            if (func.args().size() == 1 && !is_view(func)) {
                func.compute_at(out, row).store_in(MemoryType::Stack);
                if (func.has_update_definition()) vector_sum(func, LoopLevel(out, row), registers_);
            }
    }

    // Along the summed dimension, in which embeddings lie: a tile of rows times columns holds a
    // vector of partial sums for each of its numbers.
    void pairwise() {
        const int tall = row_quantum, wide = registers_.many_registers ? row_quantum : 2;
        const int width = registers_.width_for(kernel_.channels);
        Func out = kernel_.outputs[0], sum = kernel_.values[0];
        const Var j = out.args()[0], row = out.args()[1];
        Var jo("jo"), ji("ji"), ro("ro"), ri("ri"), lane("lane");
        const bool whole = kernel_.dims[0][0] % wide == 0;
        out.split(j, jo, ji, wide, whole ? TailStrategy::RoundUp : TailStrategy::ShiftInwards)
            .split(row, ro, ri, tall, TailStrategy::RoundUp)
            .unroll(ji)
            .unroll(ri);
        // What outgrows the cache is read once, for all rows.
        const auto [inner, outer] = outgrows_cache() ? std::pair(ro, jo) : std::pair(jo, ro);
        out.reorder(ji, ri, inner, outer);
        sum.compute_at(out, inner).store_in(MemoryType::Stack);
        for (const Var& each : {sum.args()[0], sum.args()[1]}) sum.unroll(each);
        const bool divides = kernel_.channels % width == 0;
        RVar k = sum.rvars()[0], ko("ko"), ki("ki");
        sum.update().split(k, ko, ki, width,
                           divides ? TailStrategy::Auto : TailStrategy::GuardWithIf);
        Func partial = sum.update().rfactor(ki, lane);
        const Var pj = sum.args()[0], prow = sum.args()[1];
        partial.compute_at(out, inner).store_in(MemoryType::Stack).reorder_storage(lane, pj, prow);
        partial.reorder(lane, pj, prow).vectorize(lane, width).unroll(pj).unroll(prow);
        partial.update().reorder(lane, pj, prow, ko).vectorize(lane, width).unroll(pj).unroll(prow);
        sum.update().unroll(sum.args()[0]).unroll(sum.args()[1]).atomic().vectorize(ki, width);
    }

    void batch_sum() {
        Func out = kernel_.outputs[0], sum = kernel_.values[0];
        if (const auto active = find(kernel_, Role::active_sum))
            return list_active(
                LoopLevel(out, sum_in_tiles(out, *active, zero_group, tile_vectors_)));
        const int units = kernel_.dims[0][0];
        const int width = registers_.tile_width(units);
        const bool vector_only = out.dimensions() == 1;
        const int vectors = vector_only ? tile_vectors(units, width, 8, 1)
                                        : tile_vectors(units, width, most_vectors(), lines());
        const TailStrategy strategy = tile_tail(units, width, vectors);
        const Var n = out.args()[0], sn = sum.args()[0];
        Var no("no"), ni("ni");
        out.split(n, no, ni, width * vectors, strategy).vectorize(ni, width);
        sum.compute_at(out, no)
            .store_in(MemoryType::Stack)
            .bound_extent(sn, width * vectors)
            .vectorize(sn, width);
        if (vector_only)
            sum.update().reorder(sn, sum.rvars()[0]).vectorize(sn, width);
        else
            sum_over_row_chunks(out, sum, width);
        if (vectors > 1) {
            out.unroll(ni);
            sum.unroll(sn);
            sum.update().unroll(sn);
        }
    }

    // Of a weight gradient: as many inputs at once. Behind the last are others to read, which make
    // sums that nobody wants; behind the last line of a parameter are none.
    int lines() const {
        const int all = kernel_.dims[0][1];
        const bool whole = all % row_quantum == 0 || !kernel_.reads_its_like;
        return all >= row_quantum && whole ? row_quantum : 1;
    }

    // A tile's sums walk down the rows, and each row of the inputs is on a page of its own: 32 rows
    // of two inputs fit the 64 entries of a first-level TLB. More rows cost 8 % (256 rows of 784
    // inputs, AMD EPYC Zen 3, November 2026); fewer reload the sums more often.
    void sum_over_row_chunks(Func& out, Func& sum, int width) {
        const int chunk = kernel_.tile.wide > 0 ? kernel_.tile.wide : 32;
        const Var n = sum.args()[0], k = sum.args()[1];
        const int tall = lines();
        Var ko("ko"), ki("ki"), no("no"), ni("ni");
        RVar row = sum.rvars()[0], rows("rows"), at("at"), tile("tile"), in_tile("in_tile");
        out.reorder(ni, out.args()[1], no);
        Halide::Stage update = sum.update();
        update.split(k, ko, ki, tall, TailStrategy::RoundUp);
        const bool by_lane = registers_.by_lane && tall == lane_group;
        // ... whose rows of the adjoint are looked up once
        if (by_lane || find(kernel_, Role::listed_tile))
            update.split(row, tile, in_tile, row_quantum)
                .split(tile, rows, at, std::max(1, chunk / row_quantum))
                .reorder(n, ki, in_tile, at, ko, rows)
                .unroll(in_tile);
        else
            update.split(row, rows, at, chunk).reorder(n, ki, at, ko, rows);
        update.vectorize(n, width).unroll(ki);
        if (by_lane) load_by_lane(kernel_.factors[0].in(sum), sum, at);
    }

    KernelFuncs& kernel_;
    Vectors registers_;
    int tile_vectors_;
};

}  // namespace

void schedule_product(KernelFuncs& kernel, const Target& target) {
    ProductSchedule(kernel, target).run();
}

}  // namespace siamc::compiler
