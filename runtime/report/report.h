// Reports for people: one self-contained HTML file each, to be opened from disk, mailed or printed.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "html/page.h"
#include "report/pictures.h"
#include "training/metrics.h"

namespace siamc {

// Names and values as they are to be shown, plain text.
using Facts = std::vector<std::pair<std::string, std::string>>;

// Parts that are empty are left out. Spans and pictures must outlive the call only.
struct ReportInput {
    std::string title, subtitle;
    // When an answer counts as right; stands beside the accuracies, since accuracies of pairs and
    // of triplets mustn't be mistaken for each other.
    std::string accuracy_rule;
    std::vector<Tile> tiles;
    std::vector<EpochRow> epochs;
    std::vector<PairPicture> samples;
    std::vector<PairPicture> predictions;
    std::vector<float> same_distances, different_distances;  // finite
    double threshold = 0;
    Facts settings;
};

std::string render_report(const ReportInput& input);

struct ComparedRun {
    std::string name;
    std::vector<EpochRow> epochs;
    Facts facts;  // further columns of the table, the same names in every run
};

struct ComparisonInput {
    std::string title, subtitle, accuracy_rule;
    std::vector<Tile> tiles;
    std::vector<ComparedRun> runs;
    Facts settings;  // what the runs have in common
};

// Several runs' validation curves in one chart each, and their results in a table.
std::string render_comparison(const ComparisonInput& input);

}  // namespace siamc
