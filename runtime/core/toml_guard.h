// toml++ 3.3 and 3.4 abort, or have undefined behaviour, on a few texts. This finds them first.
#pragma once

#include <string_view>

namespace siamc {

// Throws TomlFault at what the parser would not survive. Whatever else is wrong is left to it.
void refuse_unparsable(std::string_view text);

}  // namespace siamc
