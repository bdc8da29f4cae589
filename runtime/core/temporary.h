// Names of files and folders on their way: unguessable, and told from those that a killed process
// left by the lock that their owner holds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/descriptor.h"

namespace siamc {

// ".siamc-", 32 random hexadecimal digits, `suffix`. internal if the system has no randomness.
std::string temporary_name(std::string_view suffix);
bool is_temporary_name(std::string_view name, std::string_view suffix);

// Locks an open file or folder for this process and the life of the descriptor. False if another
// process holds it. Where the file system has no locks nothing is locked, and that is true too.
bool lock(const Descriptor& descriptor);
// The same, but waits until no other process holds it.
void wait_for_lock(const Descriptor& descriptor);

// Removes from an open folder the temporary files and folders of this user that no process holds.
// What cannot be removed stays: this is tidying, not work.
void remove_strays(int folder);

// What is in an open folder, but for "." and ".."; none, with errno, if it cannot be read. It is
// not opened again, which a full table of files or a failing disk may not allow.
std::optional<std::vector<std::string>> names_in(int folder);

// Removes all that is in an open folder; links are removed, not followed. What cannot be removed
// stays.
void remove_contents(int folder);

constexpr std::string_view file_suffix = ".tmp";
constexpr std::string_view folder_suffix = ".folder";

}  // namespace siamc
