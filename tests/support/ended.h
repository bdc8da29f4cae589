// What became of a process that ran a kernel.
#pragma once

#include <fmt/format.h>
#include <sys/wait.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace siamc::test {

// Waits for a child to end; "" if it ended with 0.
inline std::string ended(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
    if (WIFSIGNALED(status)) {
        const bool outside = WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS;
        return fmt::format("ended by signal {}{}", WTERMSIG(status),
                           outside ? ": it touched memory outside its buffers" : "");
    }
    return WEXITSTATUS(status) == 0 ? "" : fmt::format("ended with code {}", WEXITSTATUS(status));
}

}  // namespace siamc::test
