#include <algorithm>

#include "training/average.h"
#include "training/engine.h"

namespace siamc {

namespace {

// A step at a time.
class CpuEngine : public Engine {
  public:
    explicit CpuEngine(EngineRequest request)
        : model_(request.model),
          loss_(request.loss),
          optimizer_(request.optimizer),
          images_(request.images),
          state_{std::move(request.parameters), {}, {}},
          gradient_(model_.flat_buffer()) {
        for (int m = 0; m < optimizer_.moments; ++m) state_.moments.push_back(model_.flat_buffer());
        if (!request.averages) return;
        const std::span<const float> start = state_.parameters.span();
        std::copy(start.begin(), start.end(), state_.average.emplace(model_.flat_buffer()).data());
    }

    void plan(const EpochPlan& plan) override { plan_ = plan; }

    const StepResults& run(long first) override {
        Tuples batch = plan_.tuples.part(first * plan_.batch, plan_.batch, loss_.train->branches);
        batch.seed = plan_.seeds[static_cast<std::size_t>(first)];
        Update update{optimizer_, plan_.hyper[static_cast<std::size_t>(first)], {}};
        for (std::size_t m = 0; m < state_.moments.size(); ++m)
            update.moments[m] = state_.moments[m].data();
        const siamc_results results =
            model_.step(loss_, update, state_.parameters, images_, batch, gradient_);
        if (state_.average)
            pull_average(*state_.average, state_.parameters,
                         plan_.pulls[static_cast<std::size_t>(first)]);
        results_.steps = 1;
        results_.tuples = batch.count;
        results_.loss = results.loss * batch.count;
        results_.distances.resize(static_cast<std::size_t>(loss_.train->branches - 1));
        for (std::size_t b = 0; b < results_.distances.size(); ++b)
            results_.distances[b].assign(results.distances[b], results.distances[b] + batch.count);
        return results_;
    }

    double validate(const ImageSet& images, const Tuples& tuples, const Tuples& pairs,
                    std::vector<std::vector<float>>& distances) override {
        const std::vector<float> embeddings = model_.embed(evaluated(), images);
        const double loss = model_.evaluate(loss_, evaluated(), embeddings, tuples, distances);
        if (pairs.count) distances = {model_.distances(evaluated(), embeddings, pairs.rows)};
        return loss;
    }

    const FloatBuffer& evaluated() override {
        return state_.average ? *state_.average : state_.parameters;
    }
    const TrainingState& state() override { return state_; }
    void load(TrainingState state) override { state_ = std::move(state); }

  private:
    Model& model_;
    const siamc_loss& loss_;
    const siamc_optimizer& optimizer_;
    const ImageSet& images_;
    TrainingState state_;
    FloatBuffer gradient_;
    EpochPlan plan_;
    StepResults results_;
};

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(EngineRequest request) {
    return std::make_unique<CpuEngine>(std::move(request));
}

std::unique_ptr<Engine> make_engine(EngineRequest request) {
    return request.model.tables().device ? make_device_engine(std::move(request))
                                         : make_cpu_engine(std::move(request));
}

}  // namespace siamc
