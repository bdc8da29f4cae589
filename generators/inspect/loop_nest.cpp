#include "inspect/loop_nest.h"

#include <iostream>
#include <regex>
#include <sstream>

namespace siamc::compiler {

namespace {

// Halide prints loop nests to stderr alone.
class CapturedErrors {
  public:
    CapturedErrors() : before_(std::cerr.rdbuf(text_.rdbuf())) {}
    ~CapturedErrors() { std::cerr.rdbuf(before_); }
    CapturedErrors(const CapturedErrors&) = delete;
    CapturedErrors& operator=(const CapturedErrors&) = delete;
    std::string text() const { return text_.str(); }

  private:
    std::ostringstream text_;
    std::streambuf* before_;
};

}  // namespace

std::string loop_nest(const KernelTask& task, const Halide::Target& target) {
    const Halide::GeneratorContext context(target);
    const auto generator = KernelGenerator::create(context, "siamc_kernel", "siamc_kernel");
    generator->set_task(task);
    Halide::Internal::AbstractGenerator& pipeline = *generator;
    const CapturedErrors captured;
    pipeline.build_pipeline().print_loop_nest();
    // "c.v14" and "sum_22_intm", the partial sums of sum, depend on what was looked at before.
    static const std::regex numbered("\\.[vr][0-9]+\\b|(_[0-9]+)?_intm\\b");
    return std::regex_replace(captured.text(), numbered, "");
}

}  // namespace siamc::compiler
