#include "training/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "core/error.h"
#include "core/files.h"

namespace siamc {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_metrics_bytes = std::size_t{1} << 26;

struct Column {
    const char* name;
    double EpochRow::*value;
};

// After the first one, epoch.
constexpr std::array columns{
    Column{"seconds", &EpochRow::seconds},
    Column{"learning_rate", &EpochRow::learning_rate},
    Column{"train_loss", &EpochRow::train_loss},
    Column{"train_accuracy", &EpochRow::train_accuracy},
    Column{"val_loss", &EpochRow::val_loss},
    Column{"val_accuracy", &EpochRow::val_accuracy},
    Column{"mean_positive_distance", &EpochRow::mean_positive_distance},
    Column{"mean_negative_distance", &EpochRow::mean_negative_distance},
    Column{"images_per_second", &EpochRow::images_per_second},
};

std::string header() {
    std::string line = "epoch";
    for (const Column& column : columns) line += fmt::format(",{}", column.name);
    return line;
}

// Cuts the text at the first separator and returns what stood before it.
std::string_view take_until(std::string_view& text, char separator) {
    const std::size_t length = std::min(text.find(separator), text.size());
    const std::string_view part = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    return part;
}

template <typename Number>
bool parse(std::string_view text, Number& number) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && stop == end;
}

// Reads one line; `line` counts from 1, and so do epochs.
EpochRow parse_row(const std::string& file, long line, std::string_view text) {
    const auto expected = static_cast<int>(line - 1);
    EpochRow row;
    if (const std::string_view field = take_until(text, ',');
        !parse(field, row.epoch) || row.epoch != expected) {
        fail(Exit::bad_data, "{}:{}:1: epoch must be {} here: was a row lost or added?", file, line,
             expected);
    }
    for (std::size_t c = 0; c < columns.size(); ++c) {
        const bool last = c + 1 == columns.size();
        const std::string_view field = last ? text : take_until(text, ',');
        if (!parse(field, row.*columns[c].value)) {
            fail(Exit::bad_data, "{}:{}: column {} ({}) isn't a number: every row needs {} of them",
                 file, line, c + 2, columns[c].name, columns.size() + 1);
        }
    }
    return row;
}

}  // namespace

std::string metrics_text(const std::vector<EpochRow>& rows) {
    std::string text = header() + "\n";
    for (const EpochRow& row : rows) {
        text += fmt::format("{}", row.epoch);
        for (const Column& column : columns) text += fmt::format(",{}", row.*column.value);
        text += "\n";
    }
    return text;
}

std::vector<EpochRow> parse_metrics(const std::string& text, const std::string& file) {
    std::string_view rest = text;
    if (take_until(rest, '\n') != header())
        fail(Exit::bad_data, "{}:1:1: the first line must be {}", file, header());
    if (!text.ends_with('\n'))
        fail(Exit::bad_data, "{}: the last line has no end: was it cut short?", file);
    std::vector<EpochRow> rows;
    for (long line = 2; !rest.empty(); ++line)
        rows.push_back(parse_row(file, line, take_until(rest, '\n')));
    return rows;
}

void write_metrics(const fs::path& path, const std::vector<EpochRow>& rows) {
    write_file_atomically(path, metrics_text(rows));
}

std::vector<EpochRow> read_metrics(const fs::path& path) {
    return parse_metrics(read_file(path, most_metrics_bytes), path.string());
}

}  // namespace siamc
