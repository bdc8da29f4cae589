// What the reports of one run and of several share.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"

namespace siamc {

// One value of every epoch.
std::vector<double> column(const std::vector<EpochRow>& epochs, double EpochRow::*value);

// The same of a share 0 … 1, as 0 … 100.
std::vector<double> percent_column(const std::vector<EpochRow>& epochs, double EpochRow::*value);

std::string percent_text(double share);

// The settings as a section of the page, unless there are none.
void add_settings(Page& page, const Facts& settings);

// The style sheet of charts and pairs of images; see style.cpp.
extern const char* const report_style;

}  // namespace siamc
