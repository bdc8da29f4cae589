// The schedule of Winograd's convolution (layers/winograd.h).
//
// For some vectors of filters and a block of tiles, block by block of channels: the tiles' channels
// are transformed; then, for each of a tile's 16, 36 or 49 places, products of the vectors times
// the tiles are summed in registers. The sums of all places lie beside the transformed tiles until
// they are turned into results, which are pooled in registers where pooling follows.
#include "layers/winograd.h"

#include "schedules/schedule.h"
#include "schedules/vectors.h"

namespace siamc::compiler {

using Halide::Func;
using Halide::MemoryType;
using Halide::RVar;
using Halide::TailStrategy;
using Halide::Var;

namespace {

// Tiles whose sums are in registers at once.
struct Block {
    int wide = 1, tall = 1, images = 1;

    int tiles() const { return wide * tall * images; }
};

// Transformed tiles may take this much of the stack, and their sums as much: threads have 128 KiB
// where they have least (musl). Of many channels that no vectors divide, a block has fewer tiles.
constexpr int most_tile_bytes = 45056;
constexpr int most_place_bytes = largest_winograd_form.places() * 4;  // of a channel's tile
static_assert(most_ragged_channels % most_lanes == 0 && filter_block == most_lanes);
static_assert(most_ragged_channels * most_place_bytes <= most_tile_bytes);

// Channels that are transformed together: whole vectors that divide them, if there are many.
int channel_block(int channels) {
    constexpr int few = 32;
    if (channels <= few) return channels;
    for (const int block : {2 * most_lanes, most_lanes})
        if (channels % block == 0) return block;
    return channels;
}

class WinogradSchedule {
  public:
    WinogradSchedule(KernelFuncs& kernel, const Vectors& registers)
        : kernel_(kernel),
          registers_(registers),
          filters_(kernel.dims[0][0]),
          width_(registers.tile_width(filters_)),
          step_(kernel.winograd.results / kernel.pool_stride),
          channels_(channel_block(kernel.channels)) {
        // As many as divide the filters: of vectors behind them there is nothing to read.
        const int all = vectors_in(filters_, width_), measured = kernel.tile.vectors;
        for (const int vectors : {3, 2, measured})
            if (vectors > 0 && all % vectors == 0) vectors_ = vectors;
        block_ = best_block();
    }

    void run() {
        results();
        sums();
        tiles();
    }

  private:
    // Accumulators that leave registers for weights and a broadcast: of 16, or of 32.
    int most_tiles() const {
        const int most = (registers_.many_registers ? 18 : 12) / vectors_;
        const int numbers =
            std::max(vectors_in(channels_, most_lanes) * most_lanes, width_ * vectors_);
        const int fit = most_tile_bytes / (kernel_.winograd.places() * numbers * 4);
        return std::min(kernel_.tile.wide > 0 ? kernel_.tile.wide : most, fit);
    }

    // The least time for an image: whole blocks, each of which reads the weights once.
    Block best_block() const {
        const int wide = vectors_in(kernel_.dims[0][1], step_);
        const int tall = vectors_in(kernel_.dims[0][2], step_);
        Block best;
        double least = 0;
        for (int images = 1; images <= (kernel_.single_row ? 1 : row_quantum); images *= 2)
            for (int y = 1; y <= tall; ++y)
                for (int x = 1; x <= wide; ++x) {
                    const Block block = {x, y, images};
                    if (block.tiles() > most_tiles()) continue;
                    constexpr int latency = 8;
                    const double time = std::max(latency, vectors_ * block.tiles()) + 2 * vectors_;
                    const double each = vectors_in(wide, x) * vectors_in(tall, y) * time / images;
                    if (least > 0 && each >= least) continue;
                    best = block;
                    least = each;
                }
        return best;
    }

    static TailStrategy guard(int extent, int step) {
        return extent % step == 0 ? TailStrategy::RoundUp : TailStrategy::GuardWithIf;
    }

    // Whole tiles, so that it is known which result of its tile each is.
    void results() {
        Func out = kernel_.outputs[0];
        const std::vector<int>& dims = kernel_.dims[0];
        const Var n = out.args()[0], x = out.args()[1], y = out.args()[2], row = out.args()[3];
        const int across = width_ * vectors_;
        out.split(n, no_, ni_, across, guard(filters_, across))
            .split(x, xo_, xt_, step_ * block_.wide, guard(dims[1], step_ * block_.wide))
            .split(xt_, xt_, xi_, step_)
            .split(y, yo_, yt_, step_ * block_.tall, guard(dims[2], step_ * block_.tall))
            .split(yt_, yt_, yi_, step_)
            .split(row, ro_, ri_, block_.images, TailStrategy::RoundUp)
            .split(ni_, nt_, ni_, width_)
            .reorder({ni_, xi_, yi_, nt_, xt_, yt_, ri_, xo_, yo_, ro_, no_})
            .vectorize(ni_)
            .unroll(xi_)
            .unroll(yi_);
        Func half = *find(kernel_, Role::winograd_half);
        half.compute_at(out, nt_).store_in(MemoryType::Stack);
        half.bound_extent(half.args()[0], width_)
            .vectorize(half.args()[0], width_)
            .unroll(half.args()[1])
            .unroll(half.args()[2]);
    }

    void sums() {
        Func out = kernel_.outputs[0], sum = *find(kernel_, Role::winograd_sum);
        const auto vars = sum.args();
        const Var n = vars[0], tx = vars[1], ty = vars[2], row = vars[3], u = vars[4], v = vars[5];
        const std::vector<RVar> k = sum.rvars();  // channels, parts of the kernel
        RVar ko("ko"), ki("ki"), kl("kl");
        const bool by_lane = registers_.by_lane && channels_ % lane_group == 0;
        sum.compute_at(out, xo_)
            .store_in(MemoryType::Register)
            .bound_extent(n, width_ * vectors_)
            .bound_extent(tx, block_.wide)
            .bound_extent(ty, block_.tall)
            .bound_extent(row, block_.images);
        sum.update()
            .split(k[0], ko, ki, channels_)
            .split(ki, ki, kl, by_lane ? lane_group : 1)
            .reorder({n, tx, ty, row, kl, ki, u, v, ko, k[1]})
            .unroll(kl);
        if (by_lane) load_by_lane(find(kernel_, Role::winograd_tile)->in(sum), sum, ki);
        for (Halide::Stage stage : {Halide::Stage(sum), sum.update()})
            stage.vectorize(n, width_).unroll(n).unroll(tx).unroll(ty).unroll(row);
        ko_ = ko;
    }

    void tiles() {
        Func sum = *find(kernel_, Role::winograd_sum), line = *find(kernel_, Role::winograd_line);
        Func tile = *find(kernel_, Role::winograd_tile);
        const auto vars = tile.args();
        const Var c = vars[0], u = vars[4], v = vars[5];
        const int width = registers_.tile_width(channels_);
        Var co("co"), ci("ci");
        tile.compute_at(sum, ko_)
            .store_in(MemoryType::Register)
            .bound_storage(c, width * vectors_in(channels_, width))
            .bound_extent(vars[1], block_.wide)
            .bound_extent(vars[2], block_.tall)
            .split(c, co, ci, width,
                   kernel_.channels % width == 0 && channels_ % width == 0
                       ? TailStrategy::Auto
                       : TailStrategy::GuardWithIf)
            .reorder({ci, u, v, co, vars[1], vars[2], vars[3]})
            .vectorize(ci)
            .unroll(u)
            .unroll(v);
        line.compute_at(tile, co)
            .store_in(MemoryType::Stack)
            .bound_extent(line.args()[0], width)
            .vectorize(line.args()[0], width)
            .unroll(line.args()[1])
            .unroll(line.args()[2]);
    }

    KernelFuncs& kernel_;
    const Vectors& registers_;
    int filters_, width_, vectors_ = 1;
    int step_;      // results of a tile's side, pooled if pooling follows
    int channels_;  // of a block
    Block block_;
    Var no_{"no"}, ni_{"ni"}, nt_{"nt"}, xo_{"xo"}, xt_{"xt"}, xi_{"xi"}, yo_{"yo"}, yt_{"yt"},
        yi_{"yi"}, ro_{"ro"}, ri_{"ri"};
    RVar ko_;
};

}  // namespace

void schedule_winograd(KernelFuncs& kernel, const Vectors& registers) {
    WinogradSchedule(kernel, registers).run();
}

}  // namespace siamc::compiler
