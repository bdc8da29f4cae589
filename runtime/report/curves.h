// What reports of one run and of several share.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"

namespace siamc {

// One value of every epoch.
std::vector<double> column(const std::vector<EpochRow>& epochs, double EpochRow::*value);

// Shares 0 … 1 as 0 … 100.
std::vector<double> percent(std::vector<double> shares);

std::string render_settings(const Facts& settings);

}  // namespace siamc
