#include "apps/progress_line.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <string_view>

#include "core/tell.h"

namespace siamc {

using Clock = std::chrono::steady_clock;

namespace {

constexpr auto refresh = std::chrono::milliseconds(100);
constexpr int bar_width = 24;
constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

bool can_rewrite() {
    const char* terminal = std::getenv("TERM");
    const char* plain = std::getenv("NO_COLOR");  // asks for text without control sequences
    return isatty(STDERR_FILENO) && terminal && std::string_view(terminal) != "dumb" &&
           !(plain && *plain);
}

// One less than the terminal has: some move on when the last column is written. A terminal may be
// resized at any time, so each line asks.
std::size_t terminal_columns() {
    winsize size{};
    int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    const char* wanted = std::getenv("COLUMNS");
    if (columns == 0 && wanted) columns = std::atoi(wanted);
    return static_cast<std::size_t>(std::max(columns > 0 ? columns : 80, 2) - 1);
}

// The longest of the texts that fits, the last one cut if none does. Of ASCII, so bytes are
// columns.
std::string fitting(std::initializer_list<std::string> longest_first, std::size_t width) {
    for (const std::string& text : longest_first)
        if (text.size() <= width) return text;
    return std::data(longest_first)[longest_first.size() - 1].substr(0, width);
}

// Nothing of one that is not known.
std::string accuracy_text(double share) {
    return std::isnan(share) ? "" : fmt::format("  accuracy {:5.2f} %", 100 * share);
}

}  // namespace

std::string progress_text(const Progress& progress, int epochs, double left, std::size_t width) {
    const long filled = bar_width * progress.step / std::max(1L, progress.steps);
    const std::string epoch = fmt::format("epoch {:>2}/{}", progress.epoch, epochs);
    const std::string bar = fmt::format(" [{:=<{}}{:>{}}]", "", filled, "", bar_width - filled);
    const std::string loss = fmt::format(" loss {:.4g}", progress.loss);
    const std::string accuracy = accuracy_text(progress.accuracy);
    const std::string time = fmt::format("  {:.0f} s left", left);
    return fitting({epoch + bar + loss + accuracy + time, epoch + loss + accuracy + time,
                    epoch + loss + time, epoch + time, epoch},
                   width);
}

std::string epoch_text(const EpochRow& row, int epochs, std::size_t width) {
    const std::string epoch = fmt::format("epoch {:>2}/{}", row.epoch, epochs);
    const std::string time = fmt::format("  {:.4g} s", row.seconds);
    const std::string train = fmt::format("  loss {:.4g}", row.train_loss);
    const std::string right = accuracy_text(row.train_accuracy);
    const std::string val_loss = fmt::format("  validation loss {:.4g}", row.val_loss);
    const std::string val = fmt::format("  accuracy {:5.2f} %", 100 * row.val_accuracy);
    const std::string val_alone = fmt::format("  validation {:5.2f} %", 100 * row.val_accuracy);
    const std::string shortest = fmt::format(" {:5.2f} %", 100 * row.val_accuracy);
    return fitting({epoch + time + train + right + val_loss + val,
                    epoch + train + right + val_loss + val, epoch + train + right + val_alone,
                    epoch + train + val_alone, epoch + val_alone, epoch + shortest, epoch},
                   width);
}

ProgressLine::ProgressLine(int epochs, bool quiet)
    : epochs_(epochs), quiet_(quiet), terminal_(can_rewrite()), start_(Clock::now()) {}

void ProgressLine::step(const Progress& progress) {
    const auto now = Clock::now();
    if (quiet_ || !terminal_ || now - shown_ < refresh) return;
    shown_ = now;
    const double share = ((progress.epoch - 1) + static_cast<double>(progress.step) /
                                                     static_cast<double>(progress.steps)) /
                         epochs_;
    const double left = std::chrono::duration<double>(now - start_).count() * (1 / share - 1);
    tell("\r{}\033[K", progress_text(progress, epochs_, left, terminal_columns()));
}

void ProgressLine::epoch(const EpochRow& row) {
    if (quiet_) return;
    if (terminal_)
        tell("\r{}\033[K\n", epoch_text(row, epochs_, terminal_columns()));
    else
        tell("{}\n", epoch_text(row, epochs_, no_limit));
}

}  // namespace siamc
