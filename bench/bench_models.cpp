// bench_models: how fast whole generated models train, embed and evaluate.
//
// A row is a step as the training loop takes it: gradient of a batch of tuples that its sampler
// drew from a data set of MNIST's size, then the optimiser's update; 16 batches take turns.
// "active" is the share of their tuples that cost something: with --weights of a training there are
// few, and a step leaves out the gradients of the others. Pairs have each anchor twice, which a
// step computes once; rows named "distinct" are of pairs in which hardly an image occurs twice.
// Losses that see the whole batch get 16 made-up classes of 8 such images each. Learning rates are
// too small to move any parameter: thousands of real steps on noise would end in subnormal numbers,
// which take longer, and any would change what is active.
//
// FLOPs are what the graph needs once trimmed, 2 per multiply-add of its dense and convolutional
// layers: forward, for the gradients of the weights and for those of the inputs, which the first
// layer does not need. FC, 128 pairs: 114 MFLOP; CNN: 3.6 GFLOP. How they are done does not change
// them: products with pixels that are 0, or with gradients that pooling makes 0, count though they
// are skipped, and so do the multiplications that Winograd's convolution saves, and images that a
// batch shows again. A share of the peak above 100 % is such savings.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "apps/command_line.h"
#include "apps/linked_models.h"
#include "apps/named_model.h"
#include "cli/output.h"
#include "cli/run_program.h"
#include "core/error.h"
#include "core/model.h"
#include "images.h"
#include "machine/machine.h"
#include "machine/timing.h"
#include "prepared_embedding.h"
#include "reference_file.h"
#include "step_kernels.h"
#include "training/optimizer.h"
#include "training/weights.h"
#include "tuples.h"

namespace siamc {
namespace {

using Json = nlohmann::ordered_json;

constexpr long most_images = 60000, most_bytes = 1L << 28;  // of the data set
constexpr double still_rate = 1e-12;                        // moves nothing
constexpr int rounds = 7;
constexpr double turn_seconds = 0.1;

std::vector<cli::Group> options() {
    return {{"What to time",
             {{.name = "model",
               .kind = cli::Text{cli::Text::Of::file, linked_model_names()},
               .initial = "fc",
               .help = "a linked model, or one's NAME.toml or libNAME.so"},
              threads_option(),
              {.name = "batch",
               .kind = cli::Whole{0, 65536},
               .unit = "tuples",
               .initial = "0",
               .help = "a step; 0: as many as it is built for"},
              {.name = "data",
               .kind = cli::Text{cli::Text::Of::folder, {"noise", "glyphs"}},
               .initial = "noise",
               .help = "images: noise, glyphs, or the folder of MNIST's files"},
              {.name = "loss",
               .kind = cli::Text{cli::Text::Of::words, linked_loss_names()},
               .fallback = "all of the model's",
               .help = "the steps and evaluation of this one alone"},
              {.name = "weights",
               .kind = cli::a_file,
               .fallback = "random ones",
               .help = "of a run that trained the model"}}},
            {"Output",
             {{.name = "kernels",
               .kind = cli::Flag{},
               .without = {"check"},
               .help = "what each kernel takes in a step with Adam, and the loss's together"},
              {.name = "check",
               .kind = cli::a_file,
               .needs = {{"loss"}},
               .without = {"json"},
               .help = "write the batches that steps see, and the loss, gradient and embeddings "
                       "of the first, to this safetensors file, and end"},
              json_option()}}};
}

long image_count(const siamc_model& tables) {
    return std::min(most_images, most_bytes / tables.image_bytes);
}

struct Row {
    std::string loss, optimizer;
    int batch;
    double multiply_adds;
    Work once;
    std::function<double()> share_of_active = {};  // of a step's tuples
    double seconds = 0, active = 0;
};

// The things to time. Everything that they use lives here.
class Bench {
  public:
    Bench(const siamc_model& tables, const cli::Values& values)
        : model_(tables),
          images_(bench_images(values.text("data"), tables, image_count(tables))),
          parameters_(model_.flat_buffer()),
          gradient_(model_.flat_buffer()) {
        if (values.has("weights"))
            parameters_ = load_weights(values.text("weights"), model_);
        else
            model_.initialize(parameters_, 0);
    }

    void write_reference(const std::filesystem::path& file, const siamc_loss& loss, int batch) {
        siamc::write_reference(file, model_, loss, parameters_, images_,
                               *training_tuples(images_, loss, batch), batch);
    }

    void add_step(const siamc_loss& loss, const std::string& optimizer_name, int batch) {
        add_step(loss, loss.name, optimizer_name, batch, training_tuples(images_, loss, batch));
    }

    // Pairs as a batch of which nothing can be computed once for several.
    void add_distinct_step(const siamc_loss& loss, const std::string& optimizer_name, int batch) {
        add_step(loss, std::string(loss.name) + "_distinct", optimizer_name, batch,
                 distinct_tuples(loss, timed_batches * batch,
                                 static_cast<std::uint32_t>(images_.size())));
    }

    void add_step(const siamc_loss& loss, const std::string& name,
                  const std::string& optimizer_name, int batch,
                  const std::shared_ptr<TupleQueue>& tuples) {
        auto optimizer = std::make_shared<Optimizer>(model_, optimizer_name, Semantics::keras);
        const double images = static_cast<double>(loss.train->branches) * batch;
        const double work = images * static_cast<double>(loss.train->multiply_adds);
        const Work step = [this, &loss, optimizer, batch, tuples] {
            model_.step(loss, optimizer->next(still_rate), parameters_, images_,
                        tuples->next(batch), gradient_);
        };
        const auto share = [this, &loss, batch, tuples] {
            return share_of_active(model_, loss, parameters_, images_, *tuples, batch, gradient_);
        };
        rows_.push_back({name, optimizer_name, batch, work, step, share});
    }

    // The same images every time: what a program embeds has usually just been loaded.
    void add_embed(int count) {
        auto prepared = std::make_shared<PreparedEmbedding>(model_.tables(), parameters_,
                                                            first_images(images_, count));
        const double work = count * static_cast<double>(model_.tables().embed->multiply_adds);
        rows_.push_back({"embed", "", count, work, [prepared] { prepared->embed(); }});
    }

    void add_evaluation(const siamc_loss& loss) {
        if (embeddings_.empty())
            embeddings_ = model_.embed(parameters_, first_images(images_, embedded));
        const int count = loss.evaluate->batch;
        const auto tuples = distinct_tuples(loss, 64L * count, embedded);
        rows_.push_back(
            {std::string(loss.name) + "_evaluation", "", count, 0, [this, &loss, count, tuples] {
                 model_.evaluate(loss, parameters_, embeddings_, tuples->next(count), distances_);
             }});
    }

    StepTimes time_kernels(const siamc_loss& loss, int batch) {
        const ClockedStep clocked(model_.tables(), loss, model_.optimizer("adam"));
        Optimizer optimizer(model_, "adam", Semantics::keras);
        const auto tuples = training_tuples(images_, loss, batch);
        const Work step = [&] {
            const Update update = optimizer.next(still_rate);
            model_.step(clocked.loss(), {clocked.optimizer(), update.hyper, update.moments},
                        parameters_, images_, tuples->next(batch), gradient_);
        };
        return clocked.run(step, rounds, turn_seconds);
    }

    double zeros() const { return share_of_zeros(images_); }

    std::vector<Row> run() {
        std::vector<Work> works;
        for (Row& row : rows_) {
            works.push_back(row.once);
            if (row.share_of_active) row.active = row.share_of_active();
        }
        const std::vector<double> seconds = time_in_rounds(works, rounds, turn_seconds);
        for (std::size_t r = 0; r < rows_.size(); ++r) {
            Row& row = rows_[r];
            row.seconds = seconds[r];
            if (row.share_of_active && row.share_of_active() != row.active)
                fail(Exit::internal, "steps of {} moved the weights", row.loss);
        }
        return rows_;
    }

  private:
    static constexpr long embedded = 4096;

    Model model_;
    ImageSet images_;
    FloatBuffer parameters_, gradient_;
    std::vector<float> embeddings_;
    std::vector<std::vector<float>> distances_;
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
            {"active", row.share_of_active ? Json(row.active) : Json()},
            {"embed_us", embed ? Json(row.seconds * 1e6) : Json()},
            {"gflops", gflops},
            {"peak_share", share}};
}

// --loss, or all.
std::vector<const siamc_loss*> losses_to_time(const siamc_model& tables,
                                              const cli::Values& values) {
    if (values.has("loss")) return {&Model(tables).loss(values.text("loss"))};
    std::vector<const siamc_loss*> losses;
    for (int l = 0; l < tables.loss_count; ++l) losses.push_back(&tables.losses[l]);
    return losses;
}

Json measure(const siamc_model& tables, const cli::Values& values, int batch) {
    const int threads = values.whole("threads");
    const double peak_before = peak_gflops(threads);
    Bench bench(tables, values);
    const std::vector<const siamc_loss*> losses = losses_to_time(tables, values);
    for (const siamc_loss* loss : losses) {
        for (int o = 0; o < tables.optimizer_count; ++o)
            bench.add_step(*loss, tables.optimizers[o].name, batch);
        if (loss->train->branches == 2) bench.add_distinct_step(*loss, "adam", batch);
    }
    bench.add_embed(1);
    bench.add_embed(2);
    bench.add_embed(256);
    for (const siamc_loss* loss : losses) bench.add_evaluation(*loss);
    const std::vector<Row> rows = bench.run();
    const double memory = peak_rss_mb();  // before the bandwidth test takes its own
    const double peak = std::max(peak_before, peak_gflops(threads));
    Json result = {{"machine", describe_machine()},
                   {"date", today()},
                   {"threads", threads},
                   {"data", values.text("data")},
                   {"zero_pixels", bench.zeros()},
                   {"peak_gflops", peak},
                   {"bandwidth_gbs", read_gbs(memory_sized, threads)},
                   {"peak_rss_mb", memory},
                   {"target", tables.target},
                   {"variant", siamc_variant_name(&tables)},
                   {"rows", Json::array()}};
    for (const Row& row : rows) result["rows"].push_back(to_json(row, tables, threads, peak));
    return result;
}

std::string percent(const Json& share) {
    return share.is_null() ? "-" : fmt::format("{:.1f} %", 100 * share.get<double>());
}

void print_result(const Json& result) {
    print("{}; {}; {} threads: {:.0f} GFLOP/s, {:.0f} GB/s; {:.0f} MB held at most\n",
          result["machine"].get<std::string>(), result["date"].get<std::string>(),
          result["threads"].get<int>(), result["peak_gflops"].get<double>(),
          result["bandwidth_gbs"].get<double>(), result["peak_rss_mb"].get<double>());
    print("{:.0f} % of the pixels are 0 ({}); products with them count, skipped or not\n",
          100 * result["zero_pixels"].get<double>(), result["data"].get<std::string>());
    print("compiled for {}, runs {}\n{:<40}{:>7}{:>12}{:>12}{:>10}{:>10}\n",
          result["target"].get<std::string>(), result["variant"].get<std::string>(), "", "batch",
          "time", "GFLOP/s", "of peak", "active");
    for (const Json& row : result["rows"]) {
        const std::string name =
            fmt::format("{} {} {}", row["model"].get<std::string>(), row["loss"].get<std::string>(),
                        row["optimizer"].is_null() ? "" : row["optimizer"].get<std::string>());
        const double us = row["embed_us"].is_null() ? row["step_ms"].get<double>() * 1e3
                                                    : row["embed_us"].get<double>();
        const Json& gflops = row["gflops"];
        print("{:<40}{:>7}{:>12}{:>12}{:>10}{:>10}\n", name, row["batch"].get<int>(),
              fmt::format("{:.1f} us", us),
              gflops.is_null() ? "-" : fmt::format("{:.1f}", gflops.get<double>()),
              percent(row["peak_share"]), percent(row["active"]));
    }
}

// Shares are of what the threads have together: the step's time, times the threads.
Json to_json(const StepTimes& times, const std::string& loss, int threads) {
    Json kernels = Json::array();
    double all = 0, of_loss = 0;
    for (const KernelTime& kernel : times.kernels) {
        const double share = kernel.seconds / (times.seconds * threads);
        all += share;
        if (kernel.of_loss) of_loss += share;
        kernels.push_back({{"name", kernel.name},
                           {"of_loss", kernel.of_loss},
                           {"us", kernel.seconds * 1e6},
                           {"share", share}});
    }
    return {
        {"loss", loss},         {"optimizer", "adam"},   {"step_ms", times.seconds * 1e3},
        {"kernels_share", all}, {"loss_share", of_loss}, {"loss_share_of_kernels", of_loss / all},
        {"kernels", kernels}};
}

Json measure_kernels(const siamc_model& tables, const cli::Values& values, int batch) {
    const int threads = values.whole("threads");
    Bench bench(tables, values);
    Json result = {{"machine", describe_machine()},
                   {"date", today()},
                   {"threads", threads},
                   {"data", values.text("data")},
                   {"zero_pixels", bench.zeros()},
                   {"target", tables.target},
                   {"variant", siamc_variant_name(&tables)},
                   {"model", tables.name},
                   {"batch", batch},
                   {"steps", Json::array()}};
    for (const siamc_loss* loss : losses_to_time(tables, values))
        result["steps"].push_back(to_json(bench.time_kernels(*loss, batch), loss->name, threads));
    return result;
}

void print_kernels(const Json& result) {
    print("{}; {}; runs {}\n", result["machine"].get<std::string>(),
          result["date"].get<std::string>(), result["variant"].get<std::string>());
    for (const Json& step : result["steps"]) {
        print("\n{} {} adam, batch {}: {:.1f} us a step on {} threads\n{:<46}{:>9}{:>12}\n",
              result["model"].get<std::string>(), step["loss"].get<std::string>(),
              result["batch"].get<int>(), step["step_ms"].get<double>() * 1e3,
              result["threads"].get<int>(), "", "time", "of step");
        for (const Json& kernel : step["kernels"])
            print("{:<46}{:>6.1f} us{:>10.1f} %{}\n", kernel["name"].get<std::string>(),
                  kernel["us"].get<double>(), 100 * kernel["share"].get<double>(),
                  kernel["of_loss"].get<bool>() ? "  of the loss" : "");
        print("{:<46}{:>19.1f} %\n{:<46}{:>19.1f} %, {:.1f} % of all kernels\n", "all kernels",
              100 * step["kernels_share"].get<double>(), "those of the loss",
              100 * step["loss_share"].get<double>(),
              100 * step["loss_share_of_kernels"].get<double>());
    }
}

int bench_models(const cli::Values& values) {
    const int asked = values.whole("batch");
    const siamc_model& tables = named_model(values.text("model"), "cpu", asked);
    int most = tables.losses[0].train->batch;
    for (int l = 0; l < tables.loss_count; ++l)
        most = std::min(most, tables.losses[l].train->batch);
    const int batch = asked ? asked : most;
    if (batch < 1 || batch > most)
        fail(Exit::usage,
             "--batch: 1 to {}\n  why: model {} is built for that many tuples\n  write: another "
             "--batch, or build with -DSIAMC_BATCH={}",
             most, tables.name, batch);
    use_threads(tables, values.whole("threads"));
    if (values.has("check")) {
        const siamc_loss& loss = Model(tables).loss(values.text("loss"));
        Bench(tables, values).write_reference(values.text("check"), loss, batch);
        return 0;
    }
    const bool kernels = values.flag("kernels");
    const Json result = (kernels ? measure_kernels : measure)(tables, values, batch);
    if (values.flag("json"))
        print_json(result);
    else
        (kernels ? print_kernels : print_result)(result);
    return 0;
}

}  // namespace
}  // namespace siamc

int main(int argc, char** argv) {
    const siamc::cli::Program program = {
        .name = "bench_models",
        .summary = "time a generated model's steps",
        .commands = {{.groups = siamc::options(), .run = siamc::bench_models}},
        .versions = siamc::linked_versions};
    return siamc::cli::run_program(program, argc, argv);
}
