#include "tune/contestant.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "machine/timing.h"
#include "targets/targets.h"
#include "tune/kernel_buffers.h"

namespace siamc::compiler {

namespace {

// Sums are made in another order: a few roundings of the largest of up to a thousand terms.
constexpr double most_error = 1e-5;

// What a process sends once it has compiled and checked.
struct Report {
    double compile_seconds = 0, error = 0;
    char failed[512] = "";
};

void send(int pipe, const void* data, std::size_t bytes) {
    if (::write(pipe, data, bytes) != static_cast<ssize_t>(bytes)) ::_exit(1);
}

[[noreturn]] void give_up(int pipe, Report report, const std::string& why) {
    std::string line = why.substr(0, why.find('\n'));
    line.copy(report.failed, sizeof report.failed - 1);
    send(pipe, &report, sizeof report);
    ::_exit(1);
}

// Halide's own exceptions do not reach a caller outside its library.
class ReportErrors : public Halide::CompileTimeErrorReporter {
  public:
    explicit ReportErrors(int pipe) : pipe_(pipe) {}
    void warning(const char*) override {}
    void error(const char* message) override { give_up(pipe_, {}, message); }

  private:
    int pipe_;
};

void load_plugin(const std::string& plugin) {
    Dl_info halide{};
    ::dladdr(reinterpret_cast<void*>(&Halide::load_plugin), &halide);
    const auto folder = std::filesystem::path(halide.dli_fname).parent_path();
    Halide::load_plugin((folder / plugin).string());
}

// As in a library, but run from memory.
Halide::Target jit_target(const Halide::Target& target) {
    return kernel_target(target)
        .without_feature(Halide::Target::NoRuntime)
        .with_feature(Halide::Target::JIT);
}

// Kernels run in one thread each: a program's parallelism is between them.
Halide::GeneratorContext context_of(const Contest& contest, const Scheduler& scheduler) {
    const Halide::Target target = jit_target(contest.target);
    if (scheduler.plugin.empty()) return Halide::GeneratorContext(target);
    load_plugin(scheduler.plugin);
    return Halide::GeneratorContext(
        target, Halide::AutoschedulerParams(scheduler.name, {{"parallelism", "1"}}));
}

Halide::Internal::JITModule compile(const Contest& contest, const Scheduler& scheduler) {
    KernelTask task = *contest.task;
    task.choice = scheduler.choice;
    if (scheduler.parameters != ScheduleParameters{}) task.tile.parameters = scheduler.parameters;
    const Halide::Module module = generate(task, context_of(contest, scheduler), "kernel");
    return {module, module.get_function_by_name("kernel"), {}};
}

// The process: what it does between fork and exit.
[[noreturn]] void contend(const Contest& contest, const Scheduler& scheduler, int from, int to) {
    ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);  // autoschedulers chat
    ::setenv("HL_NUM_THREADS", "1", 1);
    ::alarm(contest.time_limit);
    ReportErrors reporter(to);
    Halide::set_custom_compile_time_error_reporter(&reporter);
    Report report;
    const auto start = Clock::now();
    const Halide::Internal::JITModule code = compile(contest, scheduler);
    report.compile_seconds = seconds_since(start);
    const auto call = [&, kernel = code.argv_function()] {
        if (kernel(contest.buffers->arguments()) != 0) ::_exit(1);
    };
    call();
    if (scheduler.choice == ScheduleChoice::naive) {
        const std::vector<float> outputs = contest.buffers->outputs();
        std::copy(outputs.begin(), outputs.end(), contest.reference);
    }
    if (!contest.reference) give_up(to, report, "naive failed, so nothing to compare it with");
    report.error = contest.buffers->error_against(contest.reference);
    if (!(report.error <= most_error))
        give_up(to, report, fmt::format("differs from naive by {:.2g}", report.error));
    send(to, &report, sizeof report);
    double seconds = 0;
    while (true) {
        ::alarm(0);
        if (::read(from, &seconds, sizeof seconds) != sizeof seconds) ::_exit(0);
        ::alarm(contest.time_limit);
        const double per_call = time_turn(call, seconds);
        send(to, &per_call, sizeof per_call);
    }
}

}  // namespace

void prepare_compiler(const Halide::Target& target) {
    Halide::Func nothing;
    nothing() = 0;
    nothing.compile_jit(jit_target(target));
}

Contestant::Contestant(const Contest& contest, const Scheduler& scheduler)
    : time_limit_(contest.time_limit) {
    int down[2], up[2];
    if (::pipe2(down, O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
    if (::pipe2(up, O_CLOEXEC) != 0 || (process_ = ::fork()) < 0)
        throw std::system_error(errno, std::generic_category(), "fork");
    if (process_ == 0) {
        ::close(down[1]);
        ::close(up[0]);
        contend(contest, scheduler, down[0], up[1]);
    }
    ::close(down[0]);
    ::close(up[1]);
    to_ = down[1];
    from_ = up[0];
}

Contestant::~Contestant() {
    ::close(to_);
    ::close(from_);
    if (process_ < 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
}

// All of the answer, or the reason why none will come.
bool Contestant::receive(void* answer, std::size_t bytes) {
    std::size_t done = 0;
    while (done < bytes) {
        const ssize_t got = ::read(from_, static_cast<char*>(answer) + done, bytes - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += static_cast<std::size_t>(got);
    }
    if (done == bytes) return true;
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = -1;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        failed_ = fmt::format("took more than {} s", time_limit_);
    else if (WIFSIGNALED(status))
        failed_ = fmt::format("crashed: {}", ::strsignal(WTERMSIG(status)));
    else
        failed_ = fmt::format("ended with {}", WEXITSTATUS(status));
    return false;
}

bool Contestant::ready() {
    Report report;
    if (!receive(&report, sizeof report)) return false;
    compile_seconds_ = report.compile_seconds;
    error_ = report.error;
    failed_ = report.failed;
    return failed_.empty();
}

double Contestant::turn(double seconds) {
    double per_call = 0;
    if (!failed_.empty() || ::write(to_, &seconds, sizeof seconds) != sizeof seconds) return 0;
    return receive(&per_call, sizeof per_call) ? per_call : 0;
}

}  // namespace siamc::compiler
