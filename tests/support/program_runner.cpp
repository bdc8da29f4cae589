#include "support/program_runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "support/guarded_memory.h"

namespace siamc::test {

namespace {

constexpr int faults_per_kernel = 3;

long element_bytes(ElementType type) { return type == ElementType::uint8 ? 1 : 4; }

void store(uint8_t* to, ElementType type, double value) {
    const auto as_float = static_cast<float>(value);
    const auto as_int = static_cast<int32_t>(value);
    if (type == ElementType::uint8) *to = static_cast<uint8_t>(value);
    else if (type == ElementType::int32) std::memcpy(to, &as_int, sizeof as_int);
    else std::memcpy(to, &as_float, sizeof as_float);
}

// One buffer of one task: a box of a tensor, in memory that holds no byte more.
class Box {
  public:
    Box(const Operand& operand, const Tensor64& tensor, int task, Against side)
        : operand_(operand), extent_(operand.extent), start_(operand.extent.size()) {
        if (tensor.shape.rows != Rows::none) extent_.back() = tensor.rows;
        const long bytes = element_bytes(operand.type);
        long first = task * operand.task_stride / bytes;
        for (size_t d = start_.size(); d-- > 0;) {
            start_[d] = static_cast<int>(first / operand.stride[d]);
            first %= operand.stride[d];
        }
        long last = 0, stride = 1;
        for (size_t d = 0; d < extent_.size(); ++d) {
            last += static_cast<long>(extent_[d] - 1) * operand.stride[d];
            tensor_stride_.push_back(stride);
            if (d < tensor.shape.dims.size()) stride *= tensor.shape.dims[d];
        }
        memory_ = std::make_unique<GuardedMemory>(static_cast<size_t>((last + 1) * bytes), side);
        // What is no element reads as NaN.
        std::memset(memory_->data(), 0xFF, static_cast<size_t>((last + 1) * bytes));
    }

    // visit(point, element of the memory, element of the tensor) for every element of the box.
    template <typename Visit>
    void for_each(Visit&& visit) const {
        std::vector<int> point(extent_.size());
        for (bool more = true; more;) {
            long here = 0, there = 0;
            for (size_t d = 0; d < point.size(); ++d) {
                here += static_cast<long>(point[d]) * operand_.stride[d];
                there += (start_[d] + static_cast<long>(point[d])) * tensor_stride_[d];
            }
            visit(point, memory_->data() + here * element_bytes(operand_.type), there);
            more = false;
            for (size_t d = 0; d < point.size() && !more; ++d) {
                more = ++point[d] < extent_[d];
                if (!more) point[d] = 0;
            }
        }
    }

    void fill(const Tensor64& tensor) {
        for_each([&](const auto&, uint8_t* element, long index) {
            store(element, operand_.type, tensor.data.at(static_cast<size_t>(index)));
        });
    }

    halide_buffer_t* buffer() {
        buffer_ = {};
        for (size_t d = 0; d < extent_.size(); ++d)
            dims_[d] = halide_dimension_t(0, extent_[d], operand_.stride[d]);
        const bool is_float = operand_.type == ElementType::float32;
        buffer_.type = halide_type_t(is_float ? halide_type_float
                                     : operand_.type == ElementType::uint8 ? halide_type_uint
                                                                           : halide_type_int,
                                     static_cast<uint8_t>(8 * element_bytes(operand_.type)));
        buffer_.host = memory_->data();
        buffer_.dimensions = static_cast<int>(extent_.size());
        buffer_.dim = dims_;
        return &buffer_;
    }

    bool slack_is_whole() const { return memory_->slack_is_whole(); }

  private:
    const Operand& operand_;
    std::vector<int> extent_, start_;
    std::vector<long> tensor_stride_;
    std::unique_ptr<GuardedMemory> memory_;
    halide_buffer_t buffer_ = {};
    halide_dimension_t dims_[8];
};

// Runs the kernel in a process of its own; what became of it, or "" if all is well.
std::string run_apart(KernelFunction function, std::vector<void*> arguments) {
    const pid_t child = ::fork();
    if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (child == 0) {
        for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGILL}) ::signal(signal, SIG_DFL);
        ::_exit(function(arguments.data()) == 0 ? 0 : 1);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
    if (WIFSIGNALED(status)) {
        const bool outside = WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS;
        return fmt::format("ended by signal {}{}", WTERMSIG(status),
                           outside ? ": it touched memory outside its buffers" : "");
    }
    return WEXITSTATUS(status) == 0 ? "" : "returned an error";
}

class KernelCheck {
  public:
    KernelCheck(const Program& program, const ProgramValues& values, Findings& findings)
        : program_(program), values_(values), findings_(findings) {}

    void run(const Call& call, int task, Against side, KernelFunction function) {
        const Kernel& kernel = program_.kernels[static_cast<size_t>(call.kernel)];
        what_ = fmt::format("{} task {}, buffers against the page {}", kernel.name, task,
                            side == Against::end ? "after" : "before");
        std::vector<std::unique_ptr<Box>> boxes;
        std::vector<void*> arguments;
        for (size_t i = 0; i < call.operands.size(); ++i) {
            const Operand& operand = call.operands[i];
            const Tensor64& tensor = values_.stored(operand.node);
            boxes.push_back(std::make_unique<Box>(operand, tensor, task, side));
            if (i < kernel.inputs.size()) boxes.back()->fill(tensor);
            arguments.push_back(boxes.back()->buffer());
        }
        const std::string end = run_apart(function, arguments);
        if (!end.empty()) return findings_.faults.push_back(what_ + ": " + end);
        for (size_t i = 0; i < boxes.size(); ++i) {
            const Operand& operand = call.operands[i];
            if (!boxes[i]->slack_is_whole()) fault(operand, "wrote outside the buffer");
            if (i < kernel.inputs.size()) expect_unchanged(operand, *boxes[i]);
            else compare(operand, *boxes[i]);
        }
    }

  private:
    void fault(const Operand& operand, const std::string& text) {
        findings_.faults.push_back(
            fmt::format("{}: {}: {}", what_, program_.graph[operand.node].name, text));
    }

    void expect_unchanged(const Operand& operand, const Box& box) {
        const Tensor64& tensor = values_.stored(operand.node);
        bool same = true;
        box.for_each([&](const auto&, const uint8_t* element, long index) {
            uint8_t expected[4] = {};
            store(expected, operand.type, tensor.data[static_cast<size_t>(index)]);
            const auto bytes = static_cast<size_t>(element_bytes(operand.type));
            same = same && std::memcmp(element, expected, bytes) == 0;
        });
        if (!same) fault(operand, "an input was changed");
    }

    void compare(const Operand& operand, const Box& box) {
        const Bounded& expected = values_.expected(operand.node);
        int faults = 0;
        box.for_each([&](const std::vector<int>& point, const uint8_t* element, long index) {
            float got;
            std::memcpy(&got, element, sizeof got);
            const auto at = static_cast<size_t>(index);
            const double value = expected.tensor.data[at];
            const double allowed = tolerance(value, expected.error[at]);
            ++findings_.compared;
            if (std::abs(got - value) <= allowed || ++faults > faults_per_kernel) return;
            fault(operand, fmt::format("({}) is {}, not {} +- {}", fmt::join(point, ", "), got,
                                       value, allowed));
        });
    }

    const Program& program_;
    const ProgramValues& values_;
    Findings& findings_;
    std::string what_;
};

}  // namespace

Findings check_kernels(const Program& program, const ProgramValues& values,
                       const KernelLibrary& library, size_t first) {
    Findings findings;
    KernelCheck check(program, values, findings);
    for (size_t c = 0; c < program.calls.size(); ++c)
        for (const Against side : {Against::end, Against::start})
            for (int task = 0; task < std::max(1, program.calls[c].tasks); ++task)
                check.run(program.calls[c], task, side, library.function(first + c));
    return findings;
}

}  // namespace siamc::test
