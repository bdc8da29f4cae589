#include "sampling/class_batches.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/error.h"

namespace siamc {

namespace {

// Classes in rounds: each comes once a round, in an order of the round's own.
class ClassDeck {
  public:
    ClassDeck(std::size_t classes, Random random) : random_(random), order_(classes) {
        std::iota(order_.begin(), order_.end(), 0);
        next_ = classes;
    }

    // The next so many, all different: where a round ends within a batch, those of the next round
    // that are in it already come later in that round.
    void deal(std::size_t count, std::vector<std::uint32_t>& dealt) {
        dealt.clear();
        while (dealt.size() < count) {
            if (next_ == order_.size()) begin_round(dealt, count - dealt.size());
            dealt.push_back(order_[next_++]);
        }
    }

  private:
    void begin_round(const std::vector<std::uint32_t>& taken, std::size_t wanted) {
        next_ = 0;
        for (std::size_t i = order_.size(); i > 1; --i)
            std::swap(order_[i - 1], order_[random_.below(static_cast<std::uint32_t>(i))]);
        const auto is_free = [&](std::uint32_t group) {
            return std::find(taken.begin(), taken.end(), group) == taken.end();
        };
        std::size_t front = 0;
        for (std::size_t i = 0; i < order_.size() && front < wanted; ++i)
            if (is_free(order_[i])) std::swap(order_[front++], order_[i]);
    }

    Random random_;
    std::vector<std::uint32_t> order_;
    std::size_t next_;
};

// A class's images in an order that is shuffled anew after the last.
class ImageDeck {
  public:
    ImageDeck(std::vector<std::int32_t> images, Random random)
        : random_(random), images_(std::move(images)), next_(images_.size()) {}

    std::int32_t next() {
        if (next_ == images_.size()) {
            next_ = 0;
            for (std::size_t i = images_.size(); i > 1; --i)
                std::swap(images_[i - 1], images_[random_.below(static_cast<std::uint32_t>(i))]);
        }
        return images_[next_++];
    }

    // Begins anew unless so many are left: a batch then shows each once.
    void keep_together(std::size_t count) {
        if (images_.size() >= count && images_.size() - next_ < count) next_ = images_.size();
    }

  private:
    Random random_;
    std::vector<std::int32_t> images_;
    std::size_t next_;
};

}  // namespace

BatchShape batch_shape(int classes, int batch, int images_each) {
    if (images_each < 2 || batch < 4 || batch / images_each < 2)
        fail(Exit::usage,
             "--batch: {} images are not two classes of {}\n  why: the loss compares all images of "
             "a "
             "batch, of one class and of others\n  write: --batch {} or more, or a smaller "
             "--images-per-class",
             batch, images_each, std::max(4, 2 * images_each));
    const int shown = std::min(classes, batch / images_each);
    return {shown, batch / shown};
}

ClassBatchSampler::ClassBatchSampler(const std::vector<int>& labels, BatchShape shape,
                                     std::uint64_t seed)
    : classes_(labels), groups_(classes_.paired_groups()), shape_(shape), seed_(seed) {
    classes_.require_partners("batches of classes");
}

long ClassBatchSampler::batches() const {
    return std::max<long>(1, classes_.anchors() / shape_.size());
}

void ClassBatchSampler::epoch(int epoch, std::vector<std::int32_t>& rows,
                              std::vector<float>& labels) const {
    const auto number = static_cast<std::uint32_t>(epoch);
    std::vector<ImageDeck> images;
    for (std::size_t g = 0; g < groups_.size(); ++g)
        images.emplace_back(
            std::vector<std::int32_t>(classes_.order().begin() + groups_[g].begin,
                                      classes_.order().begin() + groups_[g].end),
            Random(seed_, Stream::batch_images, number, static_cast<std::uint32_t>(g)));
    ClassDeck deck(groups_.size(), Random(seed_, Stream::batch_classes, number));
    const auto each = static_cast<std::size_t>(shape_.images_each);
    rows.clear();
    labels.clear();
    std::vector<std::uint32_t> dealt;
    for (long batch = 0; batch < batches(); ++batch) {
        deck.deal(static_cast<std::size_t>(shape_.classes), dealt);
        for (const std::uint32_t group : dealt) {
            images[group].keep_together(each);
            for (std::size_t i = 0; i < each; ++i) {
                rows.push_back(images[group].next());
                labels.push_back(static_cast<float>(group));
            }
        }
    }
}

}  // namespace siamc
