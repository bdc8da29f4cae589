// Classes as people write them.
#pragma once

#include <set>
#include <string>

namespace siamc {

// As --classes takes them: "0-5,7,9". Runs of three at least become ranges.
std::string class_list(const std::set<int>& classes);

}  // namespace siamc
