#include "cli/values.h"

#include <limits>
#include <stdexcept>

namespace siamc::cli {

bool Values::given(const std::string& name) const {
    const auto found = values_.find(name);
    return found != values_.end() && found->second.from != From::table;
}

bool Values::on_line(const std::string& name) const {
    const auto found = values_.find(name);
    return found != values_.end() && found->second.from == From::line;
}

int Values::whole(const std::string& name) const {
    const std::int64_t value = whole64(name);
    if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max())
        throw std::logic_error("the range of option " + name + " is wider than an int");
    return static_cast<int>(value);
}

void Values::set(const std::string& name, Value value, From from) {
    values_.insert_or_assign(name, Entry{std::move(value), from});
}

template <typename T>
const T& Values::get(const std::string& name) const {
    const auto found = values_.find(name);
    const T* value = found == values_.end() ? nullptr : std::get_if<T>(&found->second.value);
    if (!value) throw std::logic_error("option " + name + " has no value of that kind");
    return *value;
}

template const bool& Values::get(const std::string&) const;
template const std::int64_t& Values::get(const std::string&) const;
template const double& Values::get(const std::string&) const;
template const std::string& Values::get(const std::string&) const;

}  // namespace siamc::cli
