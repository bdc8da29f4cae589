// Whole files: read with a limit, written so that a crash leaves the old or the new one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace siamc {

// Makes `bytes` the contents of `path`, at one stroke: they go to a temporary beside it, which is
// synced and then renamed to `path`; the folder is synced last. Whatever fails or is killed, `path`
// holds either what it held before or all of `bytes`. A symbolic link is replaced, not followed.
// The file's mode is 0644 less the process's umask.
//
// cannot_create if the temporary cannot be made, cannot_write if writing, syncing or renaming
// fails; both name the path and the system's reason, and the temporary is removed. A failed sync is
// never tried again: the kernel may have dropped what it could not write, and would then report
// success.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// The contents of a file of at most `limit` bytes. missing_input if it cannot be opened or read,
// bad_data if it is a folder or longer than that.
std::string read_file(const std::filesystem::path& path, std::size_t limit);

}  // namespace siamc
