// Calls kernels for another process, on the processor that this program is built for and that QEMU
// makes: emulated_runner.cpp is the other end.
//
//   kernel_server OBJECT PROCESS
//
// A call is a line on stdin: the kernel's symbol in OBJECT, the number of buffers, and for each the
// descriptor of its memory in PROCESS, its bytes, the page they lie against, the type's code and
// bits, the number of dimensions, and each dimension's extent and stride. Its answer is what the
// kernel returned. A kernel that touches what it may not ends this program.
#include <dlfcn.h>
#include <fcntl.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "HalideRuntime.h"
#include "support/guarded_memory.h"

namespace {

using siamc::test::Against;
using siamc::test::GuardedMemory;

struct Buffer {
    std::unique_ptr<GuardedMemory> memory;
    std::vector<halide_dimension_t> dims;
    halide_buffer_t description = {};
};

void read(std::istream& in, const std::string& process, Buffer& buffer) {
    int file = 0, code = 0, bits = 0, dimensions = 0;
    size_t bytes = 0;
    std::string side;
    in >> file >> bytes >> side >> code >> bits >> dimensions;
    for (int d = 0; d < dimensions; ++d) {
        int extent = 0, stride = 0;
        in >> extent >> stride;
        buffer.dims.emplace_back(0, extent, stride);
    }
    const std::string name = "/proc/" + process + "/fd/" + std::to_string(file);
    buffer.memory = std::make_unique<GuardedMemory>(open(name.c_str(), O_RDWR | O_CLOEXEC), bytes,
                                                    side == "end" ? Against::end : Against::start);
    buffer.description.host = buffer.memory->data();
    buffer.description.type =
        halide_type_t(static_cast<halide_type_code_t>(code), static_cast<uint8_t>(bits));
    buffer.description.dimensions = dimensions;
    buffer.description.dim = buffer.dims.data();
}

}  // namespace

int main(int, char** argv) {
    void* const object = dlopen(argv[1], RTLD_NOW);
    if (!object) {
        std::cerr << dlerror() << "\n";
        return 1;
    }
    std::string symbol;
    size_t count = 0;
    while (std::cin >> symbol >> count) {
        std::vector<Buffer> buffers(count);
        std::vector<void*> arguments;
        for (Buffer& buffer : buffers) {
            read(std::cin, argv[2], buffer);
            arguments.push_back(&buffer.description);
        }
        const auto kernel = reinterpret_cast<int (*)(void**)>(dlsym(object, symbol.c_str()));
        if (!kernel) {
            std::cerr << dlerror() << "\n";
            return 1;
        }
        std::cout << kernel(arguments.data()) << std::endl;
    }
}
