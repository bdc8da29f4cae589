// The tables of programs: calls, operands, stages; and of optimisers.
#pragma once

#include <string>

#include "emit/data_builder.h"
#include "emit/library.h"

namespace siamc::compiler {

class ProgramTables {
  public:
    // `shared`: where the table lies that all programs point to (siamc_library).
    ProgramTables(const Library& library, DataBuilder& data, std::size_t shared)
        : library_(library), data_(data), shared_(shared) {}

    // Where the program's table lies.
    std::size_t add(const NamedProgram& named);
    // Where the list of all optimisers lies.
    std::size_t add_optimizers();

  private:
    void point_to_kernel(std::size_t call, const std::string& kernel);
    std::size_t add_calls(const NamedProgram& named);
    std::size_t add_stages(const Program& program);
    std::size_t place(const std::string& name, const siamc_program& table, std::size_t calls,
                      std::size_t stages);
    std::size_t add_transfer(const std::string& name);
    // `tasks` of so many floats, the first one at `first`.
    struct Stretch {
        long first;
        int floats, tasks;
    };
    std::vector<siamc_operand> optimizer_operands(const OptimizerRule& rule,
                                                  const Stretch& stretch) const;
    std::size_t add_update_calls(
        const std::vector<std::pair<const OptimizerRule*, Stretch>>& updates);
    std::size_t add_optimizer_program(const OptimizerRule& rule);

    const Library& library_;
    DataBuilder& data_;
    std::size_t shared_;
};

// std::logic_error naming the limit of internal/tables.h unless it holds.
void require_limit(bool holds, const char* limit);

}  // namespace siamc::compiler
