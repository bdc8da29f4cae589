#include "apps/progress_line.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "core/tell.h"

namespace siamc {

using Clock = std::chrono::steady_clock;

namespace {

constexpr auto refresh = std::chrono::milliseconds(100);
constexpr int bar_width = 24;

bool can_rewrite() {
    const char* terminal = std::getenv("TERM");
    return isatty(STDERR_FILENO) && terminal && std::string_view(terminal) != "dumb";
}

}  // namespace

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
    const auto filled = static_cast<int>(bar_width * progress.step / std::max(1L, progress.steps));
    tell("\repoch {:>2}/{} [{:=<{}}{:>{}}] loss {:.4f}  accuracy {:5.2f} %  {:.0f} s left\033[K",
         progress.epoch, epochs_, "", filled, "", bar_width - filled, progress.loss,
         100 * progress.accuracy, left);
}

void ProgressLine::epoch(const EpochRow& row) {
    if (quiet_) return;
    tell(
        "{}epoch {:>2}/{}  {:.2f} s  loss {:.4f}  accuracy {:5.2f} %  validation loss {:.4f}  "
        "accuracy {:5.2f} %{}\n",
        terminal_ ? "\r" : "", row.epoch, epochs_, row.seconds, row.train_loss,
        100 * row.train_accuracy, row.val_loss, 100 * row.val_accuracy, terminal_ ? "\033[K" : "");
}

}  // namespace siamc
