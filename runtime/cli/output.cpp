#include "cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/error.h"

namespace siamc {

namespace {

int output_error = 0;  // errno of the first write to stdout that failed

void note_output_error() {
    if (output_error == 0) output_error = errno != 0 ? errno : EIO;
}

}  // namespace

void print_text(std::string_view text) {
    errno = 0;
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) note_output_error();
}

void flush_output() {
    errno = 0;
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) note_output_error();
    // Some file systems report a full disk or quota only when a file is closed.
    const int copy = output_error == 0 ? dup(STDOUT_FILENO) : -1;
    if (copy >= 0 && close(copy) != 0 && errno != EINTR) note_output_error();
    if (output_error == 0) return;
    const int error = output_error;
    output_error = 0;
    std::clearerr(stdout);
    fail(Exit::cannot_write, "stdout: cannot write: {}\n  what was printed is not whole",
         std::strerror(error));
}

}  // namespace siamc
