#include "support/program_runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>

#include <cerrno>
#include <cmath>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "support/box.h"

namespace siamc::test {

namespace {

constexpr int faults_per_kernel = 3;

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

std::string run_on_device(const KernelLibrary& library, size_t index,
                          const std::vector<void*>& arguments, size_t inputs) {
    const int error = library.run_on_device(index, arguments, inputs);
    return error == 0 ? "" : fmt::format("returned error {}", error);
}

// The buffers of one task.
class Arguments {
  public:
    template <typename TensorOf>
    Arguments(const Call& call, size_t inputs, int task, Against side, TensorOf&& tensor_of) {
        for (size_t i = 0; i < call.operands.size(); ++i) {
            const Tensor64& tensor = tensor_of(call.operands[i].node);
            boxes_.push_back(std::make_unique<Box>(call.operands[i], tensor, task, side));
            if (i < inputs) boxes_.back()->fill(tensor);
            pointers_.push_back(boxes_.back()->buffer());
        }
    }
    const Box& box(size_t i) const { return *boxes_[i]; }
    const std::vector<void*>& pointers() const { return pointers_; }

  private:
    std::vector<std::unique_ptr<Box>> boxes_;
    std::vector<void*> pointers_;
};

class KernelCheck {
  public:
    KernelCheck(const Program& program, const ProgramValues& values, Findings& findings)
        : program_(program), values_(values), findings_(findings) {}

    void run(const Call& call, int task, Against side, const KernelLibrary& library, size_t index) {
        const Kernel& kernel = program_.kernels[static_cast<size_t>(call.kernel)];
        const size_t inputs = kernel.inputs.size();
        what_ = fmt::format("{} task {}, buffers against the page {}", kernel.name, task,
                            side == Against::end ? "after" : "before");
        const auto stored = [&](NodeId id) -> const Tensor64& { return values_.stored(id); };
        const Arguments arguments(call, inputs, task, side, stored);
        const std::string end = library.on_device()
                                    ? run_on_device(library, index, arguments.pointers(), inputs)
                                    : run_apart(library.function(index), arguments.pointers());
        if (!end.empty()) return findings_.faults.push_back(what_ + ": " + end);
        for (size_t i = 0; i < call.operands.size(); ++i) {
            const Operand& operand = call.operands[i];
            const Box& box = arguments.box(i);
            if (!box.slack_is_whole()) fault(operand, "wrote outside the buffer");
            if (i >= inputs)
                compare(operand, box);
            else if (!box.holds(values_.stored(operand.node)))
                fault(operand, "was changed");
        }
    }

  private:
    void fault(const Operand& operand, const std::string& text) {
        findings_.faults.push_back(
            fmt::format("{}: {}: {}", what_, program_.graph[operand.node].name, text));
    }

    void compare(const Operand& operand, const Box& box) {
        const Bounded& expected = values_.expected(operand.node);
        int faults = 0;
        box.for_each([&](const std::vector<int>& point, const uint8_t* element, size_t index) {
            const double got = box.value(element);
            const double value = expected.tensor.data[index];
            const double allowed = tolerance(value, expected.error[index]);
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

int tasks_of(const Call& call) {
    return std::max(1, call.tasks);
}

}  // namespace

Findings check_kernels(const Program& program, const ProgramValues& values,
                       const KernelLibrary& library, size_t first) {
    Findings findings;
    KernelCheck check(program, values, findings);
    for (size_t c = 0; c < program.calls.size(); ++c)
        for (const Against side : {Against::end, Against::start})
            for (int task = 0; task < tasks_of(program.calls[c]); ++task)
                check.run(program.calls[c], task, side, library, first + c);
    return findings;
}

std::map<NodeId, Tensor64> run_kernels(const Program& program,
                                       const std::map<NodeId, Tensor64>& sources,
                                       const RowCounts& rows, const KernelLibrary& library) {
    std::map<NodeId, Tensor64> values = sources;
    const Graph& graph = program.graph;
    const auto value_of = [&](NodeId id) -> const Tensor64& {
        NodeId base = id;
        while (graph[base].op->pattern == Pattern::view) base = graph[base].inputs[0].node;
        if (base != id && !values.count(id)) {
            values[id] = values.at(base);
            values[id].shape = graph[id].shape;
        }
        return values.at(id);
    };
    for (size_t c = 0; c < program.calls.size(); ++c) {
        const Call& call = program.calls[c];
        const Kernel& kernel = program.kernels[static_cast<size_t>(call.kernel)];
        for (NodeId id : kernel.outputs) values[id] = make_tensor(graph[id].shape, rows);
        for (int task = 0; task < tasks_of(call); ++task) {
            Arguments arguments(call, kernel.inputs.size(), task, Against::end, value_of);
            std::vector<void*> pointers = arguments.pointers();
            if (library.function(c)(pointers.data()) != 0)
                throw std::runtime_error(kernel.name + " returned an error");
            for (size_t i = kernel.inputs.size(); i < call.operands.size(); ++i)
                arguments.box(i).read_into(values[call.operands[i].node]);
        }
    }
    return values;
}

}  // namespace siamc::test
