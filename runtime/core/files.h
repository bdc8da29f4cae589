// Whole files: read with a limit, written so that a crash leaves the old or the new one. The
// compiler and the runtime read and write with nothing else; folders.h does the same for folders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/descriptor.h"

namespace siamc {

// Makes `bytes` the contents of `path`, at one stroke: they go to a temporary beside it, which is
// synced and then renamed to `path`; the folder is synced last. Whatever fails or is killed, `path`
// holds either what it held before or all of `bytes`. The file's mode is 0644 less the process's
// umask.
//
// Only a regular file is replaced: a folder, a device, a FIFO or a symbolic link at `path` is
// refused. The temporary's name cannot be guessed and is never opened through a link. One that a
// killed process left in this folder is removed.
//
// cannot_create if `path` is refused or the temporary cannot be made, cannot_write if writing,
// syncing, closing or renaming fails; both name the path and the system's reason, and the temporary
// is removed. Interrupted calls are tried again, but a failed sync never: the kernel may have
// dropped what it could not write, and would then report success.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// A regular file, open for reading at its beginning.
struct InputFile {
    Descriptor descriptor;
    std::uint64_t bytes = 0;  // its length when it was opened
};

// The one door for all that is read. Never waits, whatever `path` is. missing_input if it cannot be
// opened; bad_data if it is a folder, a FIFO or a device.
InputFile open_input(const std::filesystem::path& path);

// The contents of a regular file of at most `limit` bytes, which is asked before anything is read;
// memory grows with what is really there. Never waits, whatever `path` is.
//
// missing_input if it cannot be opened or read; bad_data if it is a folder, a FIFO, a device or
// longer than that.
std::string read_file(const std::filesystem::path& path, std::size_t limit);

}  // namespace siamc
