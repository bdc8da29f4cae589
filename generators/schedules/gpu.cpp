// Schedules for GPUs, the same for CUDA and OpenCL.
//
// A kernel has a launch for each of its outputs. Threads of a block are numbered in one dimension:
// what a block computes or copies is a box of elements, which its threads share out (`spread`).
//
// Products and convolutions walk the summed dimension in chunks. A chunk of both factors is copied
// to shared memory; each thread sums a tile of 4 x 2 results over it in registers and adds them to
// the block's sums, in shared memory too. With 128 threads a block makes 32 x 32 results: 4 KiB of
// sums and twice 4 KiB for a chunk of 32, so that several blocks fit the 48 KiB that every device
// has.
#include <algorithm>
#include <stdexcept>

#include "schedules/schedule.h"

namespace siamc::compiler {

using Halide::Func;
using Halide::LoopLevel;
using Halide::MemoryType;
using Halide::RVar;

using Halide::TailStrategy;
using Halide::Var;

namespace {

constexpr int block_threads = 128;
constexpr int block_tile = 32;  // results of a block in each of two dimensions
constexpr int thread_wide = 4;  // results of a thread in the inner dimension
constexpr int thread_tall = 2;  // ... and in the next
constexpr int lanes = 32;       // partial sums of a row
static_assert(gpu_row_quantum % lanes == 0);
constexpr int image_tile = 12;  // pixels of a convolution in a block: at most so many wide
constexpr int image_lines = 4;  // ... and high
constexpr int most_shared_floats = 9216;  // floats of a chunk of both factors together

// The largest divisor of `extent` up to `most`.
int divisor(int extent, int most) {
    int found = 1;
    for (int d = 2; d <= std::min(extent, most); ++d)
        if (extent % d == 0) found = d;
    return found;
}

// Of equal tiles that cover `extent`, none wider than `most`.
int even_tile(int extent, int most) {
    const int tiles = (extent + most - 1) / most;
    return (extent + tiles - 1) / tiles;
}

// Fuses loops of a stage, innermost first.
template <typename Vars>
Var fuse_all(Halide::Stage stage, const Vars& vars) {
    Var all = vars[0];
    for (size_t v = 1; v < vars.size(); ++v) {
        Var next("f" + std::to_string(v));
        stage.fuse(all, vars[v], next);
        all = next;
    }
    return all;
}

// The block's threads share out the box over these loops; the loop of a thread gets that name.
void spread(Halide::Stage stage, const std::vector<Var>& vars, const Var& thread,
            int threads = block_threads) {
    const Var all = fuse_all(stage, vars);
    Var turn("turn");
    stage.split(all, turn, thread, threads, TailStrategy::GuardWithIf)
        .reorder(thread, turn)
        .gpu_threads(thread);
}

class GpuSchedule {
  public:
    explicit GpuSchedule(KernelFuncs& kernel) : kernel_(kernel), out_(kernel.outputs.at(0)) {}

    void run() {
        if (out_.has_update_definition())
            throw std::logic_error(out_.name() + ": GPU schedules do not scatter");
        switch (kernel_.pattern) {
            case Pattern::matmul:
            case Pattern::batch_sum:
                if (find(kernel_, Role::pulled_sum)) return by_elements();
                return out_.dimensions() == 2 ? product() : sum_of_rows();
            case Pattern::convolution:
                return convolution();
            case Pattern::slice_sum:
                return sum_of_rows();
            case Pattern::rowwise:
                return by_rows();
            default:
                return by_elements();
        }
    }

  private:
    const std::vector<int>& dims() const { return kernel_.dims[0]; }
    Func sum() const { return kernel_.values[0]; }

    // A thread an element; what it needs that is a sum, it sums by itself.
    void by_elements() {
        const Var all = fuse_all(out_, out_.args());
        Var block("block"), thread("thread");
        out_.split(all, block, thread, block_threads, TailStrategy::GuardWithIf)
            .gpu_blocks(block)
            .gpu_threads(thread);
        for (Func& func : all_funcs(kernel_))
            if (func.has_update_definition()) func.compute_at(out_, thread);
    }

    // A block a row, or the rows of a tuple. Sums of a row are made by `lanes` threads.
    void by_rows() {
        std::vector<Var> inside = out_.args();
        const Var row = inside.back();
        Var block("block"), within("within"), thread("thread");
        out_.split(row, block, within, kernel_.rows_together, TailStrategy::RoundUp)
            .gpu_blocks(block);
        inside.back() = within;
        spread(out_, inside, thread);
        for (Func& func : all_funcs(kernel_)) {
            if (func.args().size() != 1 || func.name() == out_.name() || is_view(func)) continue;
            func.compute_at(out_, block).store_in(MemoryType::GPUShared);
            if (!func.has_update_definition()) continue;
            RVar ro("ro"), ri("ri");
            func.update().split(func.rvars()[0], ro, ri, lanes);
            sum_in_threads(func, ri, LoopLevel(out_, block));
        }
    }

    // Partial sums, one for each value of `lane`, which threads of the block hold in registers and
    // then leave in shared memory. `held_extents`: how much of the first dimensions a thread holds.
    static void sum_in_threads(Func func, const RVar& lane, const LoopLevel& block,
                               const std::vector<int>& held_extents = {}) {
        Var partial("partial"), holder("holder");
        Func held = func.update().rfactor(lane, partial);
        Func left = held.in(func);
        left.compute_at(block).store_in(MemoryType::GPUShared);
        std::vector<Var> threads = left.args();
        const std::vector<Var> args = held.args();
        std::vector<Halide::VarOrRVar> inner;
        for (size_t d = 0; d < held_extents.size(); ++d) {
            Var within("v" + std::to_string(d));
            left.split(threads[d], threads[d], within, held_extents[d]).unroll(within);
            held.unroll(args[d]);
            inner.emplace_back(args[d]);
        }
        spread(left, threads, holder);
        held.compute_at(left, holder).store_in(MemoryType::Register);
        if (inner.empty()) return;
        for (const RVar& summed : held.rvars()) inner.emplace_back(summed);
        held.update().reorder(inner);
        for (size_t d = 0; d < held_extents.size(); ++d) held.update().unroll(args[d]);
    }

    // out(n, m), the sum of two factors' products over k.
    void product() {
        const Var n = out_.args()[0], m = out_.args()[1];
        const bool rows = kernel_.pattern == Pattern::matmul;  // come in whole tiles
        const int width = std::min(block_tile, dims()[0]);
        const int height = rows ? block_tile : std::min(block_tile, dims()[1]);
        Var no("no"), ni("ni"), mo("mo"), mi("mi"), thread("thread");
        out_.split(n, no, ni, width, TailStrategy::ShiftInwards)
            .split(m, mo, mi, height, rows ? TailStrategy::RoundUp : TailStrategy::ShiftInwards)
            .reorder(ni, mi, no, mo)
            .gpu_blocks(no, mo);
        spread(out_, {ni, mi}, thread);
        sum_in_chunks(no, chunk_of_first(lanes, most_shared_floats / (width + height)),
                      {width, height});
    }

    // A divisor of the first summed dimension's extent, up to `most`: a chunk that stuck out would
    // read outside the factors. Where there are but small ones, all of it, if it is not over `all`.
    // Rows, whose extent is only known at run time, come in multiples of `lanes`.
    int chunk_of_first(int most, int all) {
        constexpr int small = 8;
        const auto extent = Halide::Internal::as_const_int(
            Halide::Internal::simplify(sum().update(0).get_schedule().rvars()[0].extent));
        if (!extent) return lanes;
        const int found = divisor(static_cast<int>(*extent), most);
        return found < small && *extent <= all ? static_cast<int>(*extent) : found;
    }

    // Sums the block's results over chunks of the first summed dimension. `extents`: the block's,
    // in the first two dimensions.
    void sum_in_chunks(const Var& block, int chunk, const std::vector<int>& extents) {
        Func total = sum();
        std::vector<Var> args = total.args();
        Var init("init"), holder("holder"), partial("partial");
        total.compute_at(out_, block).store_in(MemoryType::GPUShared);
        spread(total, args, init);
        RVar ko("ko"), ki("ki");
        std::vector<RVar> summed = total.rvars();
        total.update().split(summed[0], ko, ki, chunk);
        summed[0] = ki;
        Func held = total.update().rfactor(ko, partial);
        hold_tile(total, extents, ko, holder);
        held.compute_at(total, holder).store_in(MemoryType::Register);
        std::vector<Halide::VarOrRVar> loops = {args[0], args[1]};
        for (const RVar& r : summed) loops.emplace_back(r);
        held.unroll(args[0]).unroll(args[1]);
        held.update().reorder(loops).unroll(args[0]).unroll(args[1]);
        for (Func factor : kernel_.factors) {
            Func copy = factor.in(held);
            Var reader("reader");
            copy.compute_at(total, ko).store_in(MemoryType::GPUShared);
            if (kernel_.pattern == Pattern::batch_sum)  // rows, of which Halide knows no number
                copy.bound_storage(copy.args().back(), chunk);
            spread(copy, copy.args(), reader);
        }
    }

    // A thread adds a tile of the first two dimensions to the block's sums.
    void hold_tile(Func total, const std::vector<int>& extents, const RVar& ko, const Var& holder) {
        const std::vector<Var> args = total.args();
        Var nt("nt"), nv("nv"), mt("mt"), mv("mv");
        Halide::Stage update = total.update();
        update.split(args[0], nt, nv, divisor(extents[0], thread_wide))
            .split(args[1], mt, mv, divisor(extents[1], thread_tall));
        std::vector<Var> threads = {nt, mt};
        threads.insert(threads.end(), args.begin() + 2, args.end());
        const Var all = fuse_all(update, threads);
        Var turn("turns");
        update.split(all, turn, holder, block_threads, TailStrategy::GuardWithIf)
            .reorder({nv, mv, holder, turn, ko})
            .unroll(nv)
            .unroll(mv)
            .gpu_threads(holder);
    }

    // A block makes a tile of filters at a box of pixels of one image.
    void convolution() {
        const std::vector<Var> args = out_.args();
        const int step = kernel_.pool_stride, window = kernel_.pool_window;
        const int width = std::min(block_tile, dims()[0]);
        const int across = even_tile(dims()[1], std::max(1, image_tile / step));
        const int down = even_tile(dims()[2], std::max(1, image_lines / step));
        Var no("no"), ni("ni"), xo("xo"), xi("xi"), yo("yo"), yi("yi"), block("block"), b("b");
        Var thread("thread");
        out_.split(args[0], no, ni, width, TailStrategy::ShiftInwards)
            .split(args[1], xo, xi, across, TailStrategy::ShiftInwards)
            .split(args[2], yo, yi, down, TailStrategy::ShiftInwards)
            .reorder({ni, xi, yi, no, xo, yo, args[3]})
            .fuse(no, xo, b)
            .fuse(b, yo, block)
            .gpu_blocks(block, args[3]);
        spread(out_, {ni, xi, yi}, thread);
        const int pixels = (across - 1) * step + window, lines = (down - 1) * step + window;
        const auto seen_of = [&](int places, int taps) {
            return (places - 1) * kernel_.stride + (taps - 1) * kernel_.dilation + 1;
        };
        const int seen = seen_of(pixels, kernel_.taps[0]) * seen_of(lines, kernel_.taps[1]);
        const int weights = width * kernel_.taps[0] * kernel_.taps[1];
        // A tile of filters sees the channels of several groups.
        const int fits = kernel_.groups == 1 ? most_shared_floats / (seen + weights) : 0;
        if (fits == 0) kernel_.factors.clear();  // they are read where they lie
        sum_in_chunks(block, chunk_of_first(std::clamp(fits, 1, 16), fits), {width, pixels});
    }

    // Sums over all rows, of which `lanes / 2` groups are summed at once. Of a convolution's kernel
    // a thread holds some filters at some channels: each pixel that it reads serves them all.
    void sum_of_rows() {
        const std::vector<Var> args = out_.args();
        const bool channels = args.size() > 3;
        const std::vector<int> extents = {divisor(dims()[0], block_tile),
                                          channels ? divisor(dims()[1], thread_wide) : 1};
        Var no("no"), ni("ni"), co("co"), ci("ci"), thread("thread");
        out_.split(args[0], no, ni, extents[0]);
        std::vector<Var> inside = {ni}, blocks = {no};
        if (channels) {
            out_.split(args[1], co, ci, extents[1]);
            inside.push_back(ci);
            blocks.push_back(co);
        }
        blocks.insert(blocks.end(), args.begin() + (channels ? 2 : 1), args.end());
        std::vector<Halide::VarOrRVar> order(inside.begin(), inside.end());
        order.insert(order.end(), blocks.begin(), blocks.end());
        out_.reorder(order);
        const Var block = fuse_all(out_, blocks);
        out_.gpu_blocks(block);
        spread(out_, inside, thread);
        RVar ro("ro"), ri("ri");
        sum().update().split(sum().rvars().back(), ro, ri, lanes / 2);
        std::vector<int> held;
        if (channels) held = {divisor(extents[0], thread_wide), extents[1]};
        sum_in_threads(sum(), ri, LoopLevel(out_, block), held);
        sum().compute_at(out_, thread);
    }

    KernelFuncs& kernel_;
    Func out_;
};

}  // namespace

void schedule_gpu(KernelFuncs& kernel) {
    GpuSchedule(kernel).run();
}

}  // namespace siamc::compiler
