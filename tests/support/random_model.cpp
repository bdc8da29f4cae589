#include "support/random_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace siamc::compiler::test {

namespace {

class Draw {
  public:
    Draw(unsigned seed, bool for_device) : engine_(seed), for_device_(for_device) {}

    std::string model() {
        const std::string shape = input();
        std::string layers;
        for (int count = between(1, 6); count > 0; --count) layers += layer();
        if (image_) layers += "[[layer]]\ntype = \"flatten\"\n";
        std::string text =
            fmt::format("name = \"m\"\n[input]\nshape = [{}]\nscale = 0.00390625\n", shape) +
            layers;
        const std::string distance =
            one_of({"euclidean", "squared_euclidean", "cosine", "weighted_l1"});
        text += fmt::format("[distance]\ntype = \"{}\"\n", distance);
        const int losses = between(1, 3);
        if (losses & 1)
            text += fmt::format("[loss.{}]\n", one_of({"contrastive", "cross_entropy"}));
        if (losses & 2) text += "[loss.triplet]\n";
        if (distance != "weighted_l1" && between(0, 2) == 0)
            text += fmt::format("[loss.{}]\n",
                                one_of({"batch_all", "semi_hard", "batch_hard", "batch_contrastive",
                                        "supervised_contrastive", "n_pair", "multi_similarity",
                                        "circle", "prototypical"}));
        if (between(0, 3) == 0)
            text += fmt::format("[loss.{}]\nclasses = {}\n", one_of({"arcface", "proxy_anchor"}),
                                between(2, 40));
        return text;
    }

  private:
    int between(int low, int high) {
        return low + static_cast<int>(engine_() % static_cast<unsigned>(high - low + 1));
    }
    std::string one_of(const std::vector<std::string>& names) {
        return names[static_cast<size_t>(between(0, static_cast<int>(names.size()) - 1))];
    }
    // Keeps count of layers, as the compiler names them.
    std::string named(const std::string& type) {
        if (type != "none") last_ = fmt::format("{}{}", type, ++count_[type]);
        return type;
    }
    std::string flag() { return one_of({"true", "false"}); }

    std::string input() {
        const int most = std::vector{6, 12, 20, 40}[static_cast<size_t>(between(0, 3))];
        std::vector<int> shape = {between(1, most)};
        image_ = between(0, 4) > 0;
        if (image_) shape.push_back(between(1, most));
        if (image_ && between(0, 2) == 0) shape.push_back(between(1, 8));
        if (image_) height_ = shape[0], width_ = shape[1];
        if (shape.size() == 3) channels_ = shape[2];
        return fmt::format("{}", fmt::join(shape, ", "));
    }

    std::string layer() {
        std::vector<std::string> types = {function(),   "flatten", "l2_normalize",
                                          "layer_norm", "dense",   "dense"};
        if (!for_device_) types.insert(types.end(), {"batch_norm", "dropout"});
        if (image_)
            types.insert(types.end(), {"conv2d", "conv2d", "conv2d", "max_pool", "average_pool",
                                       "global_average_pool", "group_norm"});
        const std::string before = last_, type = named(one_of(types));
        const std::string text = fmt::format("[[layer]]\ntype = \"{}\"\n", type);
        if (type == "dense") return text + dense();
        if (type == "conv2d") return text + conv2d();
        if (type == "batch_norm") return text;
        if (type == "dropout") return text + fmt::format("rate = 0.{}\n", between(0, 9));
        if (type == "group_norm") return text + fmt::format("groups = {}\n", between(0, 1));
        if (type == "max_pool" || type == "average_pool") return text + pool();
        const std::vector<std::string> flat = {"flatten", "l2_normalize", "layer_norm",
                                               "global_average_pool"};
        if (std::count(flat.begin(), flat.end(), type))
            image_ = false;
        else if (between(0, 1))  // a function: the shape is what it was
            return text +
                   fmt::format("[[layer]]\ntype = \"{}\"\nwith = \"{}\"\n", named("add"), before);
        return text;
    }

    // A layer that leaves shapes as they are.
    std::string function() {
        return one_of({"relu", "relu", "leaky_relu", "sigmoid", "tanh", "gelu", "silu"});
    }

    std::string dense() {
        image_ = false;
        return fmt::format("units = {}\nbias = {}\nactivation = \"{}\"\n", between(1, 40), flag(),
                           named(one_of({"none", function(), function(), "l2_normalize",
                                         "layer_norm", "flatten"})));
    }

    std::string conv2d() {
        const std::vector<std::string> paddings = {"valid", "same", "0 3 1 2"};
        const size_t padded = static_cast<size_t>(between(0, 2));
        if (padded == 2) width_ += 3, height_ += 3;
        const int most = padded == 1 ? 7 : std::min({height_, width_, 7});
        const int high = between(1, most), wide = between(0, 2) ? high : between(1, most);
        const int stride = std::vector{1, 1, 1, 2, 3, 5}[static_cast<size_t>(between(0, 5))];
        // The window's pixels with gaps between them, where that fits.
        const int room = padded == 1 ? 14 : std::min(height_, width_);
        const int dilation = between(0, 3) == 0 && (std::max(high, wide) - 1) * 2 < room ? 2 : 1;
        const auto convolve = [&](int& size, int taps) {
            const int kernel = (taps - 1) * dilation + 1;
            size = padded == 1 ? (size + stride - 1) / stride : (size - kernel) / stride + 1;
        };
        convolve(height_, high);
        convolve(width_, wide);
        const auto [filters, groups] = divided();
        channels_ = filters;
        return fmt::format(
            "filters = {}\nkernel = {}\nkernel_width = {}\nstride = {}\npadding = \"{}\"\n"
            "groups = {}\ndilation = {}\nbias = {}\nactivation = \"{}\"\n",
            filters, high, wide, stride, paddings[padded], groups, dilation, flag(),
            named(one_of({"none", function(), function()})));
    }

    // Filters, and groups of them and of the channels.
    std::pair<int, int> divided() {
        const int filters = between(1, 40);
        switch (between(0, 5)) {
            case 0:
                return {channels_ * between(1, 2), 0};
            case 1:
                return channels_ % 2 == 0 ? std::pair{2 * filters, 2} : std::pair{filters, 1};
            default:
                return {filters, 1};
        }
    }

    std::string pool() {
        const int most = std::vector{2, 3, 15}[static_cast<size_t>(between(0, 2))];
        const int window = between(1, std::min({height_, width_, most})), stride = between(0, 3);
        const int step = stride ? stride : window;
        for (int* size : {&height_, &width_}) *size = (*size - window) / step + 1;
        return fmt::format("window = {}\nstride = {}\n", window, stride);
    }

    std::mt19937 engine_;
    bool for_device_;
    bool image_ = false;  // so far: no layer has made a line of it
    int height_ = 1, width_ = 1, channels_ = 1;
    std::map<std::string, int> count_;
    std::string last_ = "input";
};

}  // namespace

std::string random_model(unsigned seed, bool for_device) {
    return Draw(seed, for_device).model();
}

}  // namespace siamc::compiler::test
