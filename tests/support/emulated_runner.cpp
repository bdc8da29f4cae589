#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <utility>

#include "support/ended.h"
#include "support/kernel_runner.h"

namespace siamc::compiler::test {

using siamc::test::ended;

namespace {

// kernel_server.cpp under QEMU; a connection to it.
class Server {
  public:
    explicit Server(const std::filesystem::path& object) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            throw std::runtime_error("no socket for the kernel server");
        const std::string parent = std::to_string(::getpid());
        process_ = ::fork();
        if (process_ < 0) throw std::runtime_error("no process for the kernel server");
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // not longer than the test, whatever ends that
            ::dup2(ends[1], STDIN_FILENO);
            ::dup2(ends[1], STDOUT_FILENO);
            ::execl(SIAMC_ARM64_EMULATOR, SIAMC_ARM64_EMULATOR, "-L", SIAMC_ARM64_LIBRARIES,
                    SIAMC_KERNEL_SERVER, object.c_str(), parent.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(ends[1]);
        socket_ = ends[0];
    }
    ~Server() {
        ::close(socket_);
        if (process_ > 0) ended(process_);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // The server's answer to a line; "" if it ended.
    std::string ask(const std::string& line) {
        std::string answer;
        if (::send(socket_, line.data(), line.size(), MSG_NOSIGNAL) < 0) return answer;
        for (char c = 0; ::recv(socket_, &c, 1, 0) == 1 && c != '\n';) answer += c;
        return answer;
    }
    // What became of it, once it has ended.
    std::string end() { return ended(std::exchange(process_, 0)); }

  private:
    int socket_ = -1;
    pid_t process_ = 0;
};

std::string describe(Box& box) {
    const GuardedMemory& memory = box.memory();
    const halide_buffer_t* buffer = box.buffer();
    std::string text =
        fmt::format(" {} {} {} {} {} {}", memory.descriptor(), memory.bytes(),
                    memory.side() == Against::end ? "end" : "start",
                    static_cast<int>(buffer->type.code), buffer->type.bits, buffer->dimensions);
    for (int d = 0; d < buffer->dimensions; ++d)
        text += fmt::format(" {} {}", buffer->dim[d].extent, buffer->dim[d].stride);
    return text;
}

// One server calls all kernels. If a kernel ends it, the next call starts another.
class EmulatedRunner : public KernelRunner {
  public:
    explicit EmulatedRunner(std::filesystem::path object) : object_(std::move(object)) {}

    std::string run(const std::string& symbol, const Boxes& boxes) override {
        if (!server_) server_ = std::make_unique<Server>(object_);
        std::string line = fmt::format("{} {}", symbol, boxes.size());
        for (const auto& box : boxes) line += describe(*box);
        const std::string answer = server_->ask(line + "\n");
        if (answer == "0") return "";
        if (!answer.empty()) return "returned error " + answer;
        const std::string end = server_->end();
        server_.reset();
        return end.empty() ? "ended the kernel server" : end;
    }

  private:
    std::filesystem::path object_;
    std::unique_ptr<Server> server_;
};

}  // namespace

bool emulator_is_here() {
    return *SIAMC_KERNEL_SERVER != '\0';
}

std::unique_ptr<KernelRunner> emulated_runner(const std::filesystem::path& object) {
    return std::make_unique<EmulatedRunner>(object);
}

}  // namespace siamc::compiler::test
