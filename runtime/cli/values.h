// What a command line gave, checked.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

namespace siamc::cli {

// By the option's name without dashes, or the positional's. Asking for what the table has not, or
// for another kind than it has, is a fault of the program: std::logic_error.
class Values {
  public:
    using Value = std::variant<bool, std::int64_t, double, std::string>;
    enum class From { table, file, line };

    // Whether there is a value: given, or initial.
    bool has(const std::string& name) const { return values_.contains(name); }
    // Whether it was given, on the command line or in a file of flags.
    bool given(const std::string& name) const;
    bool on_line(const std::string& name) const;  // on the command line

    bool flag(const std::string& name) const { return get<bool>(name); }
    int whole(const std::string& name) const;
    std::int64_t whole64(const std::string& name) const { return get<std::int64_t>(name); }
    double real(const std::string& name) const { return get<double>(name); }
    const std::string& text(const std::string& name) const { return get<std::string>(name); }

    void set(const std::string& name, Value value, From from);

  private:
    struct Entry {
        Value value;
        From from;
    };
    template <typename T>
    const T& get(const std::string& name) const;

    std::map<std::string, Entry> values_;
};

}  // namespace siamc::cli
