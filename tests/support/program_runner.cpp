#include "support/program_runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <stdexcept>

namespace siamc::compiler::test {

namespace {

constexpr int faults_per_kernel = 3;

// The buffers of one task; the first `inputs` of them hold their values.
template <typename TensorOf>
Boxes boxes_of(const Call& call, size_t inputs, int task, Against side, TensorOf&& tensor_of) {
    Boxes boxes;
    for (size_t i = 0; i < call.operands.size(); ++i) {
        const Tensor64& tensor = tensor_of(call.operands[i].node);
        boxes.push_back(std::make_unique<Box>(call.operands[i], tensor, task, side));
        if (i < inputs) boxes.back()->fill(tensor);
    }
    return boxes;
}

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
        const Boxes boxes = boxes_of(call, inputs, task, side, stored);
        const std::string end = library.run(index, boxes);
        if (!end.empty()) return findings_.faults.push_back(what_ + ": " + end);
        for (size_t i = 0; i < call.operands.size(); ++i) {
            const Operand& operand = call.operands[i];
            const Box& box = *boxes[i];
            if (!box.memory().slack_is_whole()) fault(operand, "wrote outside the buffer");
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
            const Boxes boxes = boxes_of(call, kernel.inputs.size(), task, Against::end, value_of);
            const std::string end = library.run(c, boxes);
            if (!end.empty()) throw std::runtime_error(kernel.name + " " + end);
            for (size_t i = kernel.inputs.size(); i < call.operands.size(); ++i)
                boxes[i]->read_into(values[call.operands[i].node]);
        }
    }
    return values;
}

}  // namespace siamc::compiler::test
