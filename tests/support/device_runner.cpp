#include <dlfcn.h>
#include <fmt/format.h>

#include <stdexcept>

#include "support/kernel_runner.h"

namespace siamc::compiler::test {

namespace {

using KernelFunction = int (*)(void** arguments);
using Transfer = int (*)(void* user_context, halide_buffer_t* buffer);

// A driver does not survive a fork, so kernels run in this process, on copies of the buffers. The
// object stays loaded: a driver's threads may outlive the calls.
class DeviceRunner : public KernelRunner {
  public:
    explicit DeviceRunner(const std::filesystem::path& object)
        : handle_(dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL)) {
        if (!handle_) throw std::runtime_error(dlerror());
    }

    std::string run(const std::string& symbol, const Boxes& boxes) override {
        const auto kernel = find<KernelFunction>(symbol);
        const auto to_host = find<Transfer>("halide_copy_to_host");
        const auto release = find<Transfer>("halide_device_free");
        std::vector<void*> arguments;
        std::vector<halide_buffer_t*> buffers;
        for (const auto& box : boxes) {
            buffers.push_back(box->buffer());
            buffers.back()->set_host_dirty();
            arguments.push_back(buffers.back());
        }
        int error = kernel(arguments.data());
        for (halide_buffer_t* buffer : buffers) {
            if (!error && buffer->device_dirty()) error = to_host(nullptr, buffer);
            const int freed = release(nullptr, buffer);
            error = error ? error : freed;
        }
        return error ? fmt::format("returned error {}", error) : "";
    }

  private:
    template <typename Function>
    Function find(const std::string& name) const {
        void* found = dlsym(handle_, name.c_str());
        if (!found) throw std::runtime_error(dlerror());
        return reinterpret_cast<Function>(found);
    }

    void* handle_;
};

}  // namespace

std::unique_ptr<KernelRunner> device_runner(const std::filesystem::path& object) {
    return std::make_unique<DeviceRunner>(object);
}

// The entry point by which a driver's loader says how many platforms it found.
bool opencl_is_here() {
    using GetPlatformIds = int (*)(unsigned entries, void* platforms, unsigned* count);
    void* loader = dlopen("libOpenCL.so.1", RTLD_NOW);
    if (!loader) return false;
    const auto platforms = reinterpret_cast<GetPlatformIds>(dlsym(loader, "clGetPlatformIDs"));
    unsigned count = 0;
    return platforms && platforms(0, nullptr, &count) == 0 && count > 0;
}

}  // namespace siamc::compiler::test
