#include "machine/machine.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <barrier>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "machine/loops.h"
#include "machine/timing.h"

namespace siamc {

namespace {

struct Loops {
    const char* name;
    float (*fma)(long);
    long (*flops)();
    long (*read)(const void*, long);
};

Loops widest_loops() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        return {"AVX-512", siamc_fma_avx512, siamc_fma_flops_avx512, siamc_read_avx512};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return {"AVX2", siamc_fma_avx2, siamc_fma_flops_avx2, siamc_read_avx2};
    return {"SSE2", siamc_fma_baseline, siamc_fma_flops_baseline, siamc_read_baseline};
#else
    return {"NEON", siamc_fma_baseline, siamc_fma_flops_baseline, siamc_read_baseline};
#endif
}

volatile double keep;  // results end here, so that no loop is left out

// Seconds that the slowest thread needs from a common start; the best of `tries`.
double best_of_together(int threads, int tries, const std::function<void(int)>& work) {
    std::vector<double> ends(static_cast<std::size_t>(threads) * static_cast<std::size_t>(tries));
    std::barrier start(threads);
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t)
        running.emplace_back([&, t] {
            for (int i = 0; i < tries; ++i) {
                start.arrive_and_wait();
                const auto begin = Clock::now();
                work(t);
                ends[static_cast<std::size_t>(i * threads + t)] = seconds_since(begin);
            }
        });
    for (std::thread& thread : running) thread.join();
    double best = 1e30;
    for (auto at = ends.begin(); at != ends.end(); at += threads)
        best = std::min(best, *std::max_element(at, at + threads));
    return best;
}

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};

std::string processor() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
    return "unknown processor";
}

}  // namespace

std::string describe_machine() {
    return fmt::format("{}, {} cores, {}", processor(), std::thread::hardware_concurrency(),
                       widest_loops().name);
}

std::string today() {
    return fmt::format("{:%Y-%m-%d}", fmt::localtime(std::time(nullptr)));
}

double peak_gflops(int threads) {
    const Loops loops = widest_loops();
    constexpr long rounds = 200000;  // about half a millisecond
    const double seconds =
        best_of_together(threads, 100, [&](int) { keep = static_cast<double>(loops.fma(rounds)); });
    return static_cast<double>(rounds * loops.flops() * threads) / seconds * 1e-9;
}

double read_gbs(long bytes, int threads) {
    constexpr long line = 64, step = 512, most = 8L << 20;
    bytes = std::max(step, bytes / step * step);
    const long times = std::max(1L, most / bytes);
    std::vector<std::unique_ptr<void, Free>> memory(static_cast<std::size_t>(threads));
    const auto read = [&, loops = widest_loops()](int thread) {
        auto& own = memory[static_cast<std::size_t>(thread)];
        if (!own) {
            own.reset(std::aligned_alloc(line, static_cast<std::size_t>(bytes)));
            if (!own) throw std::bad_alloc();
            std::fill_n(static_cast<char*>(own.get()), bytes, char{1});
        }
        for (long i = 0; i < times; ++i) keep = static_cast<double>(loops.read(own.get(), bytes));
    };
    const double seconds = best_of_together(threads, bytes >= memory_sized ? 8 : 30, read);
    return static_cast<double>(bytes * times * threads) / seconds * 1e-9;
}

}  // namespace siamc
