// The Halide::Generator behind every generated function: one kernel of a program.
#pragma once

#include <Halide.h>

#include <map>
#include <string>
#include <vector>

#include "passes/plan.h"
#include "schedules/parameters.h"
#include "schedules/schedule.h"

namespace siamc::compiler {

// automatic: left to the autoscheduler that the generator's context names.
enum class ScheduleChoice { tuned, naive, automatic };

// What is generated: a kernel and the buffers that it is called with (inputs, then outputs).
struct KernelTask {
    const Graph* graph = nullptr;
    const Kernel* kernel = nullptr;
    std::vector<Operand> operands;
    bool single_row = false;  // register tiles have one row: the program sees few images
    bool fixed_row = false;   // ... and only ever one
    int usual_tuples = 1;     // in a full call: what an automatic schedule is made for
    int usual_slices = 1;
    int batch = 1;  // the most tuples of the program
    ScheduleChoice choice = ScheduleChoice::tuned;
    ScheduleOrigin tile;
};

KernelTask task_of(const Program& program, const Call& call);

// An operand's extents, innermost first, in a call with the task's usual tuples, each of images of
// its own, and that many stored images.
std::vector<int> extents(const KernelTask& task, const Operand& operand, int stored);

// Two tasks with one signature generate the same code.
std::string signature(const KernelTask& task);

class KernelGenerator : public Halide::Generator<KernelGenerator> {
  public:
    void set_task(KernelTask task) { task_ = std::move(task); }
    void configure();
    void generate();
    void schedule();

  private:
    Halide::Func reader(NodeId id);
    Halide::Func input(NodeId id, const std::map<NodeId, Halide::Func>& values);
    AlgorithmContext context_of(NodeId id, const std::map<NodeId, Halide::Func>& values);
    Halide::Expr rows_of(Rows kind);
    KernelFuncs compute(const std::vector<NodeId>& results);
    void place_outputs();
    void estimate();
    void describe(KernelFuncs& funcs) const;
    bool on_gpu() const { return get_target().has_gpu_feature(); }
    bool in_one_loop() const;
    bool apart() const { return on_gpu() && !in_one_loop(); }

    KernelTask task_;
    std::vector<Input<Buffer<>>*> inputs_;
    std::vector<Output<Buffer<>>*> outputs_;
    Output<Halide::Func>* joint_output_ = nullptr;  // in their place, where one loop writes all
    std::vector<KernelFuncs> launches_;  // what is scheduled together: on a GPU, each output alone
};

// The kernel as a Halide module whose function has that name.
Halide::Module generate(const KernelTask& task, const Halide::GeneratorContext& context,
                        const std::string& function_name);

}  // namespace siamc::compiler
