#include "data/class_list.h"

#include <fmt/format.h>

#include <iterator>

namespace siamc {

std::string class_list(const std::set<int>& classes) {
    std::string text;
    for (auto at = classes.begin(); at != classes.end();) {
        const int first = *at;
        int last = first;
        while (++at != classes.end() && *at == last + 1) last = *at;
        if (!text.empty()) text += ",";
        text += fmt::format("{}", first);
        if (last != first) text += fmt::format("{}{}", last == first + 1 ? "," : "-", last);
    }
    return text;
}

}  // namespace siamc
