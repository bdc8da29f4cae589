// Pieces of messages. Whatever comes from a file or a command line is made fit for a
// terminal first: one line, no control characters, of bounded length.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace siamc {

// `text` with control characters as \xNN, cut after about `limit` bytes (never inside a UTF-8
// sequence) and ended with "..." if it was longer.
std::string printable(std::string_view text, std::size_t limit = 200);

// The same in double quotes, with a limit fit for a name.
std::string in_quotes(std::string_view text);

// ASCII's capitals as small letters.
std::string lower(std::string_view text);

// "a", "a and b", "a, b and c"; "none" for an empty list.
std::string listed(const std::vector<std::string>& names, std::string_view conjunction = "and");

// The known name that takes the fewest edits (a character, or two neighbours swapped; case does not
// count) to reach from `name`; the first of several. Empty if even that one differs in more than
// about a third: a guess further away would mislead.
std::string nearest(std::string_view name, const std::vector<std::string>& known);

}  // namespace siamc
