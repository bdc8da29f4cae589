#include "cli/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

#include "core/error.h"
#include "core/wording.h"

namespace siamc::cli {
namespace {

[[noreturn]] void fail_value(const Option& option, const std::string& text,
                             const std::string& where, const char* why) {
    fail(Exit::usage, "{}: '{}' {}\n  write: {}", printable(where), printable(text), why,
         describe_kind(option));
}

// The whole text as a number. A number that no double or integer can hold is out of range.
template <typename Number>
Number parse_number(const Option& option, const std::string& text, const std::string& where) {
    Number number{};
    const char* end = text.data() + text.size();
    const auto [next, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc::result_out_of_range && next == end)
        fail_value(option, text, where, "is out of range");
    if (error != std::errc() || next != end)
        fail_value(option, text, where,
                   std::is_integral_v<Number> ? "is no whole number" : "is no number");
    return number;
}

bool in_range(const Real& range, double value) {
    return (range.above ? value > range.least : value >= range.least) &&
           (range.below ? value < range.most : value <= range.most);
}

Values::Value check_word(const Option& option, const Word& word, const std::string& text,
                         const std::string& where) {
    if (std::find(word.known.begin(), word.known.end(), text) != word.known.end()) return text;
    const std::string near = nearest(text, word.known);
    fail(Exit::usage, "{}: no {} '{}'\n  write: {}", printable(where), option.name, printable(text),
         near.empty() ? describe_kind(option) : near);
}

bool holds(const Needs& needs, const Values& values) {
    if (needs.values.empty()) return values.given(needs.option);
    return values.has(needs.option) && std::find(needs.values.begin(), needs.values.end(),
                                                 values.text(needs.option)) != needs.values.end();
}

void check_option(const Option& option, const Values& values) {
    for (const Needs& needs : option.needs) {
        if (holds(needs, values)) continue;
        if (needs.values.empty())
            fail(Exit::usage, "--{}: says nothing without --{}\n  write: --{} too, or leave it out",
                 option.name, needs.option, needs.option);
        const std::string now =
            values.has(needs.option) ? " " + values.text(needs.option) : std::string(" as it is");
        fail(Exit::usage, "--{}: says nothing for --{}{}\n  write: --{} {}, or leave --{} out",
             option.name, needs.option, now, needs.option, listed(needs.values, "or"), option.name);
    }
    for (const std::string& other : option.without)
        if (values.given(other))
            fail(Exit::usage, "--{}: would be ignored beside --{}\n  write: one of the two",
                 option.name, other);
}

}  // namespace

Values::Value check_value(const Option& option, const std::string& text, const std::string& where) {
    if (std::holds_alternative<Flag>(option.kind)) {
        if (text != "true" && text != "false") fail_value(option, text, where, "is no switch");
        return text == "true";
    }
    if (text.empty()) fail_value(option, text, where, "is empty");
    if (const auto* word = std::get_if<Word>(&option.kind))
        return check_word(option, *word, text, where);
    if (const auto* whole = std::get_if<Whole>(&option.kind)) {
        const auto number = parse_number<std::int64_t>(option, text, where);
        if (number < whole->least || number > whole->most)
            fail_value(option, text, where, "is out of range");
        return number;
    }
    if (const auto* real = std::get_if<Real>(&option.kind)) {
        const auto number = parse_number<double>(option, text, where);
        if (!std::isfinite(number)) fail_value(option, text, where, "is no finite number");
        if (!in_range(*real, number)) fail_value(option, text, where, "is out of range");
        return number;
    }
    return text;
}

void check_needs(const Command& command, const Values& values) {
    for (const Group& group : command.groups)
        for (const Option& option : group.options) {
            if (option.required && !values.has(option.name))
                fail(Exit::usage, "--{} is missing\n  write: --{} and {}", option.name, option.name,
                     describe_kind(option));
            if (values.on_line(option.name)) check_option(option, values);
        }
}

}  // namespace siamc::cli
