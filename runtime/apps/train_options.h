// train_generated's flags, and what they mean.
#pragma once

#include <boost/program_options.hpp>
#include <string>

#include "apps/load_images.h"
#include "training/settings.h"
#include "training/trainer.h"

namespace siamc {

boost::program_options::options_description train_options();

// The recipe of the flags' model, with what the flags change of it. usage for values out of range.
TrainConfig train_config(const boost::program_options::variables_map& values,
                         const std::string& optimizer);

// What --config needs to repeat the run.
Settings settings_of(const boost::program_options::variables_map& values,
                     const TrainConfig& config);

DataFlags data_flags(const boost::program_options::variables_map& values);

}  // namespace siamc
