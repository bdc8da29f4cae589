#include <dlfcn.h>
#include <sys/wait.h>

#include <csignal>
#include <stdexcept>

#include "support/ended.h"
#include "support/kernel_runner.h"

namespace siamc::compiler::test {

using siamc::test::ended;

namespace {

using KernelFunction = int (*)(void** arguments);

// A kernel runs in a fork.
class NativeRunner : public KernelRunner {
  public:
    explicit NativeRunner(const std::filesystem::path& object)
        : handle_(dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL)) {
        if (!handle_) throw std::runtime_error(dlerror());
    }
    ~NativeRunner() override { dlclose(handle_); }
    NativeRunner(const NativeRunner&) = delete;
    NativeRunner& operator=(const NativeRunner&) = delete;

    std::string run(const std::string& symbol, const Boxes& boxes) override {
        void* found = dlsym(handle_, symbol.c_str());
        if (!found) throw std::runtime_error(dlerror());
        std::vector<void*> arguments;
        for (const auto& box : boxes) arguments.push_back(box->buffer());
        const pid_t child = ::fork();
        if (child < 0) throw std::runtime_error("no process for " + symbol);
        if (child == 0) {
            for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGILL}) ::signal(signal, SIG_DFL);
            ::_exit(reinterpret_cast<KernelFunction>(found)(arguments.data()) == 0 ? 0 : 1);
        }
        return ended(child);
    }

  private:
    void* handle_;
};

}  // namespace

std::unique_ptr<KernelRunner> native_runner(const std::filesystem::path& object) {
    return std::make_unique<NativeRunner>(object);
}

}  // namespace siamc::compiler::test
