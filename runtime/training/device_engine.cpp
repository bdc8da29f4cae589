#include <siamc/siamc_device.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "training/engine.h"

namespace siamc {

namespace {

// Steps between two looks at their results: the device has work for a while, and Ctrl-C and
// progress do not wait long.
constexpr long steps_at_once = 64;

// What Halide last complained of; by itself it would end the program.
std::string complaint;

void remember(void*, const char* message) {
    complaint = message;
}

// Memory on the device that grows when it has to.
class Memory {
  public:
    explicit Memory(const siamc_device& device) : device_(device) {}
    ~Memory() { siamc_release(&memory_); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    int reserve(std::size_t bytes) {
        if (bytes > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
            fail(Exit::usage,
                 "--device: {} bytes in one piece are more than the 2 GiB that a device's buffer "
                 "may "
                 "have here\n  write: fewer images, or --device cpu",
                 bytes);
        if (bytes == bytes_) return 0;
        siamc_release(&memory_);
        bytes_ = bytes;
        return siamc_reserve(&device_, &memory_, static_cast<std::int64_t>(bytes));
    }
    template <typename T>
    int put(std::span<const T> values) {
        const int error = reserve(values.size_bytes());
        return error ? error : siamc_upload(&memory_, values.data());
    }
    int get(std::int64_t offset, std::span<float> values) const {
        return siamc_download_part(&memory_, offset, static_cast<std::int64_t>(values.size_bytes()),
                                   values.data());
    }
    siamc_memory* memory() { return &memory_; }

  private:
    const siamc_device& device_;
    siamc_memory memory_ = {};
    std::size_t bytes_ = 0;
};

// A program and the tables that it works on.
class Work {
  public:
    Work(siamc_device& device, const siamc_program& program)
        : device_(device),
          program_(program),
          indices(device),
          shifts(device),
          labels(device),
          results(device) {
        for (int o = 0; o < program.output_count; ++o)
            lines_ += static_cast<std::size_t>(program.outputs[o].floats_per_tuple);
        error_ = siamc_bind(&device_, &program, &bound_);
    }
    ~Work() { siamc_unbind(&device_, &bound_); }
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

    int error() const { return error_; }
    std::size_t lines() const { return lines_; }  // floats a tuple in the results

    int put(const Tuples& tuples) {
        const std::vector<std::int32_t> unmoved(2 * tuples.rows.size());
        int error = program_.classes
                        ? siamc_check_classes(tuples.labels.data(), tuples.count, program_.classes)
                        : 0;
        if (!error) error = indices.put(tuples.rows);
        if (!error)
            error = shifts.put(tuples.shifts.empty() ? std::span<const std::int32_t>(unmoved)
                                                     : tuples.shifts);
        if (!error && !tuples.labels.empty()) error = labels.put(tuples.labels);
        if (!error)
            error =
                results.reserve(static_cast<std::size_t>(tuples.count) * lines_ * sizeof(float));
        return error;
    }

    int launch(siamc_memory* dataset, int stored, long first, int count, std::uint32_t seed = 0) {
        const siamc_tables tables = {dataset, indices.memory(), shifts.memory(), labels.memory(),
                                     nullptr, results.memory(), stored};
        return siamc_launch(&device_, &bound_, &tables, static_cast<std::int32_t>(first), count,
                            program_.noise_offset < 0 ? 0 : static_cast<std::int32_t>(seed));
    }

  private:
    siamc_device& device_;
    const siamc_program& program_;
    siamc_bound bound_ = {};
    std::size_t lines_ = 0;
    int error_ = 0;

  public:
    Memory indices, shifts, labels, results;
};

class OpenDevice {
  public:
    explicit OpenDevice(const siamc_model& model) {
        // Kernels need up to 72 registers a thread; Halide asks CUDA for 64 (docs/gpu.md).
        ::setenv("HL_CUDA_JIT_MAX_REGISTERS", "255", 0);
        model.library->functions->set_error_handler(remember);
        error_ = siamc_device_open(&device_, &model);
    }
    ~OpenDevice() { siamc_device_close(&device_); }
    OpenDevice(const OpenDevice&) = delete;
    OpenDevice& operator=(const OpenDevice&) = delete;

    siamc_device& get() { return device_; }
    int error() const { return error_; }

  private:
    siamc_device device_ = {};
    int error_ = 0;
};

class DeviceEngine : public Engine {
  public:
    explicit DeviceEngine(EngineRequest request)
        : model_(request.model),
          state_{std::move(request.parameters), {}, {}},
          open_(opened(model_.tables())),
          device_(open_->get()),
          train_(device_, *request.loss.train),
          embed_(device_, *model_.tables().embed),
          evaluate_(device_, *request.loss.evaluate),
          distances_(device_, *model_.tables().distances),
          evaluated_at_once_(request.loss.evaluate->batch),
          stored_(request.images),
          images_(device_),
          hyper_(device_),
          validation_images_(device_) {
        for (const Work* work : {&train_, &embed_, &evaluate_, &distances_}) check(work->error());
        check(siamc_bind(&device_, request.optimizer.program, &update_));
        for (int m = 0; m < request.optimizer.moments; ++m)
            state_.moments.push_back(model_.flat_buffer());
        check(siamc_upload(&device_.parameters, state_.parameters.data()));
        check(images_.put(std::span<const std::uint8_t>(stored_.pixels)));
    }
    ~DeviceEngine() override { siamc_unbind(&device_, &update_); }

    void plan(const EpochPlan& plan) override {
        tuples_ = plan.tuples.count;
        batch_ = plan.batch;
        steps_ = static_cast<long>(plan.hyper.size());
        seeds_ = plan.seeds;
        check(train_.put(plan.tuples));
        check(hyper_.put(plan.hyper));
        if (plan.new_images) check(images_.put(std::span<const std::uint8_t>(stored_.pixels)));
    }

    const StepResults& run(long first) override {
        const long last = std::min(first + steps_at_once, steps_);
        const int stored = static_cast<int>(stored_.size());
        siamc_tables tables = {};
        tables.hyper = hyper_.memory();
        for (long step = first; step < last; ++step) {
            const long begin = step * batch_;
            const int count = static_cast<int>(std::min<long>(batch_, tuples_ - begin));
            check(train_.launch(images_.memory(), stored, begin, count,
                                seeds_[static_cast<std::size_t>(step)]));
            check(siamc_launch(&device_, &update_, &tables, 0, 0, static_cast<std::int32_t>(step)));
        }
        const long begin = first * batch_, end = std::min<long>(last * batch_, tuples_);
        results_.steps = last - first;
        results_.tuples = end - begin;
        results_.loss = collect(train_, begin, end - begin, results_.distances);
        return results_;
    }

    double validate(const ImageSet& images, const Tuples& tuples, const Tuples& pairs,
                    std::vector<std::vector<float>>& distances) override {
        const int count = static_cast<int>(images.size());
        if (validation_ != &images) {
            std::vector<std::int32_t> all(images.size());
            std::iota(all.begin(), all.end(), 0);
            Tuples each;
            each.rows = all;
            each.count = count;
            check(embed_.put(each));
            check(validation_images_.put(std::span<const std::uint8_t>(images.pixels)));
            check(evaluate_.put(tuples));
            if (pairs.count) check(distances_.put(pairs));
            validation_ = &images;
        }
        const int batch = model_.tables().embed->batch;
        for (int done = 0; done < count; done += batch)
            check(embed_.launch(validation_images_.memory(), count, done,
                                std::min(batch, count - done)));
        const int together = tuples.together ? tuples.together : evaluated_at_once_;
        launch_all(evaluate_, tuples.count, together, count);
        const double loss = collect(evaluate_, 0, tuples.count, distances) / tuples.count;
        if (pairs.count) {
            launch_all(distances_, pairs.count, model_.tables().distances->batch, count);
            // Its only result is the distance.
            distances.assign(1, std::vector<float>(static_cast<std::size_t>(pairs.count)));
            check(distances_.results.get(0, distances[0]));
        }
        return loss;
    }

    const FloatBuffer& evaluated() override {
        check(siamc_download(&device_.parameters, state_.parameters.data()));
        return state_.parameters;
    }

    const TrainingState& state() override {
        evaluated();
        for (std::size_t m = 0; m < state_.moments.size(); ++m)
            check(siamc_download(&device_.moments[m], state_.moments[m].data()));
        return state_;
    }

    void load(TrainingState state) override {
        state_ = std::move(state);
        check(siamc_upload(&device_.parameters, state_.parameters.data()));
        for (std::size_t m = 0; m < state_.moments.size(); ++m)
            check(siamc_upload(&device_.moments[m], state_.moments[m].data()));
    }

  private:
    static std::unique_ptr<OpenDevice> opened(const siamc_model& model) {
        auto device = std::make_unique<OpenDevice>(model);
        if (device->error())
            fail(Exit::usage,
                 "--device {0}: no device to train on\n  why: {1}\n  write: --device cpu, or "
                 "install "
                 "the driver of a device that {0} knows",
                 model.device, complaint);
        return device;
    }

    void check(int error) const {
        if (error)
            fail(Exit::internal, "device {}: error {}: {}", model_.tables().device, error,
                 complaint);
    }

    // On the embeddings of `stored` images, some tuples at once.
    void launch_all(Work& work, int tuples, int together, int stored) {
        for (int done = 0; done < tuples; done += together)
            check(work.launch(embed_.results.memory(), stored, done,
                              std::min(together, tuples - done)));
    }

    // Summed loss and distances of results [first, first + count).
    double collect(Work& work, long first, long count, std::vector<std::vector<float>>& distances) {
        const std::size_t lines = work.lines(), tuples = static_cast<std::size_t>(count);
        table_.resize(tuples * lines);
        check(work.results.get(first * static_cast<long>(lines * sizeof(float)), table_));
        distances.assign(lines - 1, std::vector<float>(tuples));
        double loss = 0;
        for (std::size_t t = 0; t < tuples; ++t) {
            loss += static_cast<double>(table_[t * lines]);
            for (std::size_t b = 0; b < distances.size(); ++b)
                distances[b][t] = table_[t * lines + 1 + b];
        }
        return loss;
    }

    Model& model_;
    TrainingState state_;  // as it was last fetched
    std::unique_ptr<OpenDevice> open_;
    siamc_device& device_;
    Work train_, embed_, evaluate_, distances_;
    siamc_bound update_ = {};
    int evaluated_at_once_;
    const ImageSet& stored_;
    Memory images_, hyper_, validation_images_;
    const ImageSet* validation_ = nullptr;  // whose images and tuples are on the device
    long tuples_ = 0, steps_ = 0;
    std::span<const std::uint32_t> seeds_;  // of each step
    int batch_ = 0;
    std::vector<float> table_;
    StepResults results_;
};

}  // namespace

std::unique_ptr<Engine> make_device_engine(EngineRequest request) {
    return std::make_unique<DeviceEngine>(std::move(request));
}

}  // namespace siamc
