#include "step_kernels.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace siamc {

namespace {

constexpr std::size_t most_kernels = 128;

// Kernels are called with nothing but their buffers, so each clock is a function of its own.
struct alignas(64) KernelClock {
    siamc_kernel kernel = nullptr;
    std::atomic<Clock::rep> ticks = 0;
};

std::array<KernelClock, most_kernels> clocks;

template <std::size_t Number>
int clocked(void** arguments) {
    const auto start = Clock::now();
    const int error = clocks[Number].kernel(arguments);
    clocks[Number].ticks.fetch_add((Clock::now() - start).count(), std::memory_order_relaxed);
    return error;
}

template <std::size_t... Number>
constexpr std::array<siamc_kernel, most_kernels> all_clocked(std::index_sequence<Number...>) {
    return {clocked<Number>...};
}

std::size_t calls_of(const siamc_program& program) {
    std::size_t calls = 0;
    for (int s = 0; s < program.stage_count; ++s)
        calls += static_cast<std::size_t>(program.stages[s].calls);
    return calls;
}

// Without the model's name.
std::string short_name(const siamc_model& model, const siamc_call& call) {
    return std::string(call.name).substr(std::string(model.name).size() + 2);
}

// "l2_normalize" of l2_normalize_256__grad: what stands before the extents.
std::string operation(std::string_view kernel) {
    for (std::size_t c = 0; c + 1 < kernel.size(); ++c)
        if (kernel[c] == '_' && kernel[c + 1] >= '0' && kernel[c + 1] <= '9')
            return std::string(kernel.substr(0, c));
    return std::string(kernel);
}

// Between the last kernel that embeds and the first gradient of a layer.
void mark_loss(const siamc_model& model, std::vector<KernelTime>& kernels) {
    const siamc_program& embed = *model.embed;
    std::set<std::string> layers;
    for (std::size_t c = 0; c < calls_of(embed); ++c)
        layers.insert(operation(short_name(model, embed.calls[c])));
    const auto is_layer = [&](const KernelTime& kernel) {
        return layers.contains(operation(kernel.name));
    };
    const auto gradient = [&](const KernelTime& kernel) {
        return is_layer(kernel) && kernel.name.find("__grad") != std::string::npos;
    };
    const auto end = std::find_if(kernels.begin(), kernels.end(), gradient);
    for (auto kernel = end; kernel != kernels.begin() && !is_layer(*std::prev(kernel)); --kernel)
        std::prev(kernel)->of_loss = true;
}

}  // namespace

ClockedStep::Clocked::Clocked(const siamc_program& from, std::size_t first_clock)
    : calls(from.calls, from.calls + calls_of(from)), program(from) {
    static constexpr auto functions = all_clocked(std::make_index_sequence<most_kernels>());
    if (first_clock + calls.size() > most_kernels)
        throw std::length_error("a step has more kernels than there are clocks");
    const int variant = siamc_choose(from.library) - 1;
    for (std::size_t c = 0; c < calls.size(); ++c) {
        clocks[first_clock + c].kernel = calls[c].kernel[variant];
        calls[c].kernel[variant] = functions[first_clock + c];
    }
    program.calls = calls.data();
}

ClockedStep::ClockedStep(const siamc_model& model, const siamc_loss& loss,
                         const siamc_optimizer& optimizer)
    : train_(*loss.train, 0),
      update_(*optimizer.program, train_.calls.size()),
      loss_(loss),
      optimizer_(optimizer) {
    loss_.train = &train_.program;
    optimizer_.program = &update_.program;
    for (const siamc_call& call : train_.calls)
        kernels_.push_back({short_name(model, call), false, 0});
    mark_loss(model, kernels_);
    for (const siamc_call& call : update_.calls)
        kernels_.push_back({short_name(model, call), false, 0});
}

StepTimes ClockedStep::run(const Work& step, int rounds, double turn_seconds) const {
    std::vector<double> steps;
    std::vector<std::vector<double>> turns(kernels_.size());
    for (int round = 0; round < rounds; ++round) {
        time_turn(step, turn_seconds / 5);  // warms up
        for (KernelClock& clock : clocks) clock.ticks = 0;
        const auto start = Clock::now();
        long count = 0;
        for (; seconds_since(start) < turn_seconds; ++count) step();
        steps.push_back(seconds_since(start) / static_cast<double>(count));
        for (std::size_t k = 0; k < kernels_.size(); ++k) {
            const std::chrono::duration<double> spent = Clock::duration(clocks[k].ticks.load());
            turns[k].push_back(spent.count() / static_cast<double>(count));
        }
    }
    StepTimes times{median(steps), kernels_};
    for (std::size_t k = 0; k < kernels_.size(); ++k) times.kernels[k].seconds = median(turns[k]);
    return times;
}

}  // namespace siamc
