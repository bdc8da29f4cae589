#include "emit/process_pool.h"

#include <Halide.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <optional>
#include <system_error>

#include "core/descriptor.h"
#include "core/error.h"
#include "core/tell.h"

namespace siamc::compiler {

namespace {

[[noreturn]] void fail_system(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) fail_system("pipe");
        out = Descriptor(ends[0]);
        in = Descriptor(ends[1]);
    }
    Descriptor out, in;
};

// Signals that end the program, as bytes of a pipe while this lives.
class Signals {
  public:
    Signals() {
        writer_ = pipe_.in.number();
        struct sigaction action {};
        action.sa_handler = [](int signal) {
            const int error = errno;
            const auto byte = static_cast<char>(signal);
            [[maybe_unused]] const auto written = ::write(writer_, &byte, 1);
            errno = error;
        };
        for (std::size_t s = 0; s < watched.size(); ++s)
            ::sigaction(watched[s], &action, &before_[s]);
    }
    ~Signals() { restore(); }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    void restore() const {
        for (std::size_t s = 0; s < watched.size(); ++s)
            ::sigaction(watched[s], &before_[s], nullptr);
    }
    const Descriptor& pipe() const { return pipe_.out; }
    [[noreturn]] void fail_by_signal() const {
        char signal = SIGINT;
        [[maybe_unused]] const auto count = ::read(pipe_.out.number(), &signal, 1);
        fail(static_cast<Exit>(128 + signal), "ended by signal {} ({}): nothing was replaced",
             int{signal}, ::strsignal(signal));
    }

  private:
    static constexpr std::array watched = {SIGINT, SIGTERM, SIGHUP};
    inline static int writer_ = -1;
    Pipe pipe_;
    std::array<struct sigaction, watched.size()> before_{};
};

// Halide's own exceptions do not reach a caller outside its library.
class ExitOnError : public Halide::CompileTimeErrorReporter {
  public:
    explicit ExitOnError(const Job& job) : job_(job) {}
    void warning(const char* message) override { tell("siamc: {}: {}\n", job_.name, message); }
    void error(const char* message) override {
        tell("siamc: {}: {}\n", job_.name, message);
        ::_exit(1);
    }

  private:
    const Job& job_;
};

// A job that runs: its process, where its result goes, and a pipe that is open as long as it runs.
struct Running {
    std::size_t job = 0;
    pid_t process = -1;
    Descriptor result, alive;
};

[[noreturn]] void work(const Job& job, const Descriptor& result) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int status = 1;
    ExitOnError reporter(job);
    Halide::set_custom_compile_time_error_reporter(&reporter);
    try {
        job.run(fmt::format("/proc/self/fd/{}", result.number()));
        status = 0;
    } catch (const std::exception& error) {
        tell("siamc: {}: {}\n", job.name, error.what());
    }
    ::_exit(status);
}

std::string contents(const Descriptor& file) {
    struct stat status {};
    if (::fstat(file.number(), &status) != 0) fail_system("fstat");
    std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t count = uninterrupted([&] {
            return ::pread(file.number(), bytes.data() + done, bytes.size() - done,
                           static_cast<off_t>(done));
        });
        if (count <= 0) fail_system("read");
        done += static_cast<std::size_t>(count);
    }
    return bytes;
}

class Pool {
  public:
    Pool(const std::vector<Job>& jobs, std::size_t at_once)
        : jobs_(jobs), at_once_(at_once), results_(jobs.size()) {}
    ~Pool() {
        for (const Running& running : running_) ::kill(running.process, SIGKILL);
        for (const Running& running : running_) reap(running);
    }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    std::vector<std::string> run() {
        while (next_ < jobs_.size() || !running_.empty()) {
            while (next_ < jobs_.size() && running_.size() < at_once_) start(next_++);
            wait();
        }
        return std::move(results_);
    }

  private:
    void start(std::size_t job) {
        Pipe pipe;
        Running running;
        running.job = job;
        running.result = Descriptor(::memfd_create("siamc", MFD_CLOEXEC));
        if (!running.result.open()) fail_system("memfd_create");
        running.process = ::fork();
        if (running.process < 0) fail_system("fork");
        if (running.process == 0) {
            signals_.restore();
            work(jobs_[job], running.result);
        }
        running.alive = std::move(pipe.out);
        running_.push_back(std::move(running));
    }

    // Until a signal comes or a job is done.
    void wait() {
        std::vector<pollfd> watched = {{signals_.pipe().number(), POLLIN, 0}};
        for (const Running& running : running_)
            watched.push_back({running.alive.number(), POLLIN, 0});
        if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) fail_system("poll");
        if (watched[0].revents) signals_.fail_by_signal();
        for (std::size_t r = running_.size(); r-- > 0;)
            if (watched[r + 1].revents) finish(r);
    }

    void finish(std::size_t at) {
        const Running running = std::move(running_[at]);
        running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(at));
        const int status = reap(running);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail(Exit::internal, "{}: could not be compiled{}", jobs_[running.job].name,
                 WIFSIGNALED(status) ? fmt::format(" (signal {})", WTERMSIG(status)) : "");
        results_[running.job] = contents(running.result);
    }

    static int reap(const Running& running) {
        int status = -1;
        uninterrupted([&] { return ::waitpid(running.process, &status, 0); });
        return status;
    }

    const std::vector<Job>& jobs_;
    std::size_t at_once_, next_ = 0;
    std::vector<std::string> results_;
    std::vector<Running> running_;
    Signals signals_;
};

}  // namespace

std::vector<std::string> run_jobs(const std::vector<Job>& jobs, int at_once) {
    return Pool(jobs, static_cast<std::size_t>(std::max(1, at_once))).run();
}

}  // namespace siamc::compiler
