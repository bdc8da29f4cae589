// bench_models: how fast whole generated models train, embed and evaluate.
//
// A row is a step as the training loop takes it: gradient of a batch of images drawn from a data
// set of MNIST's size, then the optimiser's update. Learning rates are too small to move any
// parameter: thousands of real steps on noise would end in subnormal numbers, which take longer.
//
// FLOPs are what the graph needs once trimmed, 2 per multiply-add of its dense and convolutional
// layers: forward, for the gradients of the weights and for those of the inputs, which the first
// layer does not need. FC, 128 pairs: 114 MFLOP; CNN: 3.6 GFLOP. How they are done does not change
// them: products with pixels that are 0, or with gradients that pooling makes 0, count though they
// are skipped, and so do the multiplications that Winograd's convolution saves. A share of the peak
// above 100 % is such savings.
#include <HalideRuntime.h>
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/command_line.h"
#include "apps/linked_models.h"
#include "core/error.h"
#include "core/model.h"
#include "images.h"
#include "machine.h"
#include "reference_file.h"
#include "sampling/random.h"
#include "timing.h"
#include "training/optimizer.h"

namespace siamc {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

constexpr long image_count = 60000;
constexpr int steps_kept = 64;        // batches drawn beforehand, taken in turn
constexpr double still_rate = 1e-12;  // moves nothing
constexpr int rounds = 7;
constexpr double turn_seconds = 0.1;

po::options_description options() {
    po::options_description all("bench_models: time a generated model's steps");
    const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    all.add_options()("help", "this text")("model", po::value<std::string>()->default_value("fc"),
                                           "which model")(
        "threads", po::value<int>()->default_value(cores), "threads of every step")(
        "batch", po::value<int>()->default_value(0),
        "tuples a step; 0: as many as it is built for")(
        "data", po::value<std::string>()->default_value("noise"),
        "images: noise, glyphs, or the folder of MNIST's files")(
        "check", po::value<std::string>(),
        "write losses, gradients and embeddings of one batch to this safetensors file, and end")(
        "json", po::bool_switch(), "print one JSON object");
    return all;
}

struct Row {
    std::string loss, optimizer;
    int batch;
    double multiply_adds;
    Work once;
    double seconds = 0;
};

// The things to time. Everything that they use lives here.
class Bench {
  public:
    Bench(const siamc_model& tables, const std::string& data, int batch)
        : model_(tables),
          images_(bench_images(data, tables, image_count)),
          parameters_(model_.flat_buffer()),
          gradient_(model_.flat_buffer()) {
        model_.initialize(parameters_, 0);
        draw_rows(batch);
    }

    void add_step(const std::string& loss_name, const std::string& optimizer_name, int batch) {
        const siamc_loss& loss = model_.loss(loss_name);
        auto optimizer = std::make_shared<Optimizer>(model_, optimizer_name, Semantics::keras);
        const double images = static_cast<double>(loss.train->branches) * batch;
        const double work = images * static_cast<double>(loss.train->multiply_adds);
        rows_.push_back({loss_name, optimizer_name, batch, work, [this, &loss, optimizer, batch] {
                             model_.step(loss, optimizer->next(still_rate), parameters_, images_,
                                         next(loss, batch), gradient_);
                         }});
    }

    // The same images every time: what a program embeds has usually just been loaded.
    void add_embed(int count) {
        auto images = std::make_shared<ImageSet>(first_images(images_, count));
        const double work = count * static_cast<double>(model_.tables().embed->multiply_adds);
        rows_.push_back(
            {"embed", "", count, work, [this, images] { model_.embed(parameters_, *images); }});
    }

    void add_evaluation(const std::string& loss_name) {
        const siamc_loss& loss = model_.loss(loss_name);
        if (embeddings_.empty())
            embeddings_ = model_.embed(parameters_, first_images(images_, embedded));
        const int count = loss.evaluate->batch;
        rows_.push_back({loss_name + "_evaluation", "", count, 0, [this, &loss, count] {
                             Tuples tuples = next(loss, count);
                             tuples.rows = std::span(embedded_rows_).first(tuples.rows.size());
                             model_.evaluate(loss, embeddings_, tuples, distances_);
                         }});
    }

    double zeros() const { return share_of_zeros(images_); }

    std::vector<Row> run() {
        std::vector<Work> works;
        for (const Row& row : rows_) works.push_back(row.once);
        const std::vector<double> seconds = time_in_rounds(works, rounds, turn_seconds);
        for (std::size_t r = 0; r < rows_.size(); ++r) rows_[r].seconds = seconds[r];
        return rows_;
    }

  private:
    static constexpr long embedded = 4096;

    void draw_rows(int batch) {
        std::size_t most = 0;
        for (int l = 0; l < model_.tables().loss_count; ++l) {
            const siamc_loss& loss = model_.tables().losses[l];
            const int tuples = std::max(batch, loss.evaluate->batch);
            most = std::max(most, static_cast<std::size_t>(tuples) *
                                      static_cast<std::size_t>(loss.train->branches));
        }
        Random random(0, Stream::pairs);
        drawn_rows_.resize(most * steps_kept);
        embedded_rows_.resize(most);
        labels_.resize(most);
        for (auto& row : drawn_rows_) row = static_cast<std::int32_t>(random.below(image_count));
        for (auto& row : embedded_rows_) row = static_cast<std::int32_t>(random.below(embedded));
        for (std::size_t t = 0; t < most; ++t) labels_[t] = made_up_label(static_cast<long>(t));
    }

    Tuples next(const siamc_loss& loss, int count) {
        const std::size_t most = embedded_rows_.size();
        step_ = (step_ + 1) % steps_kept;
        Tuples tuples;
        tuples.count = count;
        tuples.rows =
            std::span(drawn_rows_)
                .subspan(step_ * most, static_cast<std::size_t>(count) *
                                           static_cast<std::size_t>(loss.train->branches));
        if (loss.train->branches == 2)
            tuples.labels = std::span(labels_).first(static_cast<std::size_t>(count));
        return tuples;
    }

    Model model_;
    ImageSet images_;
    FloatBuffer parameters_, gradient_;
    std::vector<std::int32_t> drawn_rows_, embedded_rows_;
    std::vector<float> labels_, embeddings_;
    std::vector<std::vector<float>> distances_;
    std::size_t step_ = 0;
    std::vector<Row> rows_;
};

Json to_json(const Row& row, const siamc_model& model, int threads, double peak) {
    Json gflops, share;
    if (row.multiply_adds > 0) {
        const double rate = 2 * row.multiply_adds / row.seconds * 1e-9;
        gflops = rate;
        share = rate / peak;
    }
    const bool embed = row.loss == "embed";
    return {{"model", model.name},
            {"loss", row.loss},
            {"optimizer", row.optimizer.empty() ? Json() : Json(row.optimizer)},
            {"batch", row.batch},
            {"threads", threads},
            {"step_ms", embed ? Json() : Json(row.seconds * 1e3)},
            {"embed_us", embed ? Json(row.seconds * 1e6) : Json()},
            {"gflops", gflops},
            {"peak_share", share}};
}

Json measure(const siamc_model& tables, const std::string& data, int threads, int batch) {
    const double peak_before = peak_gflops(threads);
    Bench bench(tables, data, batch);
    for (int l = 0; l < tables.loss_count; ++l)
        for (int o = 0; o < tables.optimizer_count; ++o)
            bench.add_step(tables.losses[l].name, tables.optimizers[o].name, batch);
    bench.add_embed(1);
    bench.add_embed(2);
    bench.add_embed(256);
    for (int l = 0; l < tables.loss_count; ++l) bench.add_evaluation(tables.losses[l].name);
    const std::vector<Row> rows = bench.run();
    const double memory = peak_rss_mb();  // before the bandwidth test takes its own
    const double peak = std::max(peak_before, peak_gflops(threads));
    Json result = {{"machine", describe_machine()},
                   {"date", today()},
                   {"threads", threads},
                   {"data", data},
                   {"zero_pixels", bench.zeros()},
                   {"peak_gflops", peak},
                   {"bandwidth_gbs", read_gbs(memory_sized, threads)},
                   {"peak_rss_mb", memory},
                   {"target", tables.target},
                   {"rows", Json::array()}};
    for (const Row& row : rows) result["rows"].push_back(to_json(row, tables, threads, peak));
    return result;
}

void print(const Json& result) {
    fmt::print("{}; {}; {} threads: {:.0f} GFLOP/s, {:.0f} GB/s; {:.0f} MB held at most\n",
               result["machine"].get<std::string>(), result["date"].get<std::string>(),
               result["threads"].get<int>(), result["peak_gflops"].get<double>(),
               result["bandwidth_gbs"].get<double>(), result["peak_rss_mb"].get<double>());
    fmt::print("{:.0f} % of the pixels are 0 ({}); products with them count, skipped or not\n",
               100 * result["zero_pixels"].get<double>(), result["data"].get<std::string>());
    fmt::print("compiled for {}\n{:<40}{:>7}{:>12}{:>12}{:>10}\n",
               result["target"].get<std::string>(), "", "batch", "time", "GFLOP/s", "of peak");
    for (const Json& row : result["rows"]) {
        const std::string name =
            fmt::format("{} {} {}", row["model"].get<std::string>(), row["loss"].get<std::string>(),
                        row["optimizer"].is_null() ? "" : row["optimizer"].get<std::string>());
        const double us = row["embed_us"].is_null() ? row["step_ms"].get<double>() * 1e3
                                                    : row["embed_us"].get<double>();
        fmt::print("{:<40}{:>7}{:>12}", name, row["batch"].get<int>(),
                   fmt::format("{:.1f} us", us));
        if (row["gflops"].is_null())
            fmt::print("{:>12}{:>10}\n", "-", "-");
        else
            fmt::print("{:>12.1f}{:>8.1f} %\n", row["gflops"].get<double>(),
                       100 * row["peak_share"].get<double>());
    }
}

int bench_models(const po::variables_map& values) {
    const siamc_model& tables = find_model(values["model"].as<std::string>());
    const int threads = values["threads"].as<int>();
    if (threads < 1 || threads > 256) fail(Exit::usage, "--threads: 1 to 256");
    int most = tables.losses[0].train->batch;
    for (int l = 0; l < tables.loss_count; ++l)
        most = std::min(most, tables.losses[l].train->batch);
    const int asked = values["batch"].as<int>(), batch = asked ? asked : most;
    if (batch < 1 || batch > most)
        fail(Exit::usage,
             "--batch: 1 to {}\n  why: model {} is built for that many tuples\n  write: another "
             "--batch, or build with -DSIAMC_BATCH={}",
             most, tables.name, batch);
    const auto& data = values["data"].as<std::string>();
    halide_set_num_threads(threads);
    if (values.count("check")) {
        write_reference(values["check"].as<std::string>(), tables, data, batch);
        return 0;
    }
    const Json result = measure(tables, data, threads, batch);
    if (values["json"].as<bool>())
        fmt::print("{}\n", result.dump());
    else
        print(result);
    return 0;
}

}  // namespace
}  // namespace siamc

int main(int argc, char** argv) {
    return siamc::run_program({"bench_models", siamc::options(), siamc::bench_models}, argc, argv);
}
