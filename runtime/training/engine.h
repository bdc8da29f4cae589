// Where training happens: on this processor, or on a device (CUDA, OpenCL).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/model.h"

namespace siamc {

// What some steps gave, tuple by tuple; valid until the engine is used again.
struct StepResults {
    long steps = 0, tuples = 0;
    double loss = 0;                            // summed over the tuples
    std::vector<std::vector<float>> distances;  // [branch - 1][tuple]
};

// All that steps change.
struct TrainingState {
    FloatBuffer parameters;
    std::vector<FloatBuffer> moments;    // as many as the optimiser has
    std::optional<FloatBuffer> average;  // of the parameters, where a run keeps one
};

// What the steps of an epoch do, the same for all of them but for what is said step by step. All of
// it must stay where it is.
struct EpochPlan {
    Tuples tuples;
    int batch = 0;                           // tuples a step, but for the last one
    std::span<const HyperParameters> hyper;  // of each step
    std::span<const std::uint32_t> seeds;    // of what dropout leaves out, of each step
    std::span<const float> pulls;            // of the average, of each step; empty: there is none
    bool new_images = false;                 // the images are others than in the epoch before
};

class Engine {
  public:
    virtual ~Engine() = default;

    // What the steps until the next plan do.
    virtual void plan(const EpochPlan& plan) = 0;

    // Takes steps of the plan, from `first` on: as many as the engine takes at once.
    virtual const StepResults& run(long first) = 0;

    // By the evaluated() weights: mean loss and distances of tuples of these images, as
    // Model::evaluate; or, where there are pairs, their distances. The same tuples and pairs for
    // the same images every time.
    virtual double validate(const ImageSet& images, const Tuples& tuples, const Tuples& pairs,
                            std::vector<std::vector<float>>& distances) = 0;

    // As they are now. What is validated and is the run's result: the average of the parameters
    // where there is one, else the parameters.
    virtual const FloatBuffer& evaluated() = 0;
    virtual const TrainingState& state() = 0;
    // Goes on from a state of the same model and optimiser, with an average or without as before.
    virtual void load(TrainingState state) = 0;
};

// What an engine is made for. The model and the images must outlive it.
struct EngineRequest {
    Model& model;
    const siamc_loss& loss;
    const siamc_optimizer& optimizer;
    const ImageSet& images;  // that it trains on
    FloatBuffer parameters;  // to start from
    bool averages = false;   // keeps an average; not on a device
};

// On whatever the model's library is for. usage, saying why, if there is no such device here.
std::unique_ptr<Engine> make_engine(EngineRequest request);

// What make_engine takes for a library without and with a device.
std::unique_ptr<Engine> make_cpu_engine(EngineRequest request);
std::unique_ptr<Engine> make_device_engine(EngineRequest request);

}  // namespace siamc
