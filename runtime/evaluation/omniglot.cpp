#include "evaluation/omniglot.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "evaluation/baselines.h"
#include "evaluation/oneshot.h"

namespace siamc {
namespace {

// The pictures that are shown, then those that are asked about.
std::vector<const Picture*> pictures_of(const OmniglotRun& run) {
    std::vector<const Picture*> pictures;
    for (const std::vector<Picture>* part : {&run.shown, &run.asked})
        for (const Picture& picture : *part) pictures.push_back(&picture);
    return pictures;
}

Episode episode_of(const OmniglotRun& run) {
    Episode episode;
    const auto shown = static_cast<std::int32_t>(run.shown.size());
    episode.classes.resize(run.shown.size());
    std::iota(episode.classes.begin(), episode.classes.end(), 0);
    episode.support.assign(episode.classes.begin(), episode.classes.end());
    for (std::size_t i = 0; i < run.asked.size(); ++i)
        episode.query.push_back(shown + static_cast<std::int32_t>(i));
    episode.query_way.assign(run.answers.begin(), run.answers.end());
    return episode;
}

ImageSet as_stored(const OmniglotRun& run) {
    const Picture& first = run.shown.front();
    ImageSet set{first.height, first.width, {}, {}};
    for (const Picture* picture : pictures_of(run)) {
        if (picture->height != first.height || picture->width != first.width)
            fail(Exit::bad_data, "{}: its pictures differ in size: fetch or unpack the runs again",
                 run.name);
        set.pixels.insert(set.pixels.end(), picture->pixels.begin(), picture->pixels.end());
        set.labels.push_back(0);
    }
    return set;
}

ImageSet as_input(const OmniglotRun& run, PictureSize size, const Preparation& preparation) {
    ImageSet set{size.height, size.width, {}, {}, size.channels};
    for (const Picture* picture : pictures_of(run)) {
        const auto pixels = resize(with_channels(*picture, size.channels), size.height, size.width,
                                   preparation.resize);
        set.pixels.insert(set.pixels.end(), pixels.begin(), pixels.end());
        set.labels.push_back(0);
    }
    if (preparation.inverted) invert(set.pixels);
    return set;
}

long count_right_by_hausdorff(const OmniglotRun& run) {
    const std::vector<DarkInk> shown(run.shown.begin(), run.shown.end());
    long right = 0;
    for (std::size_t q = 0; q < run.asked.size(); ++q) {
        const DarkInk ink(run.asked[q]);
        std::vector<double> distances;
        for (const DarkInk& other : shown) distances.push_back(modified_hausdorff(ink, other));
        const double own = distances[static_cast<std::size_t>(run.answers[q])];
        right += std::count_if(distances.begin(), distances.end(),
                               [&](double other) { return other <= own; }) == 1;
    }
    return right;
}

}  // namespace

OmniglotResult evaluate_omniglot(Model& model, const FloatBuffer& parameters,
                                 const std::vector<OmniglotRun>& runs,
                                 const Preparation& preparation) {
    if (model.picture_size().height == 0)
        fail(Exit::usage,
             "--protocol omniglot: model {} reads no pictures\n  write: a model with [input] shape "
             "= "
             "[height, width] or [height, width, 3]",
             model.name());
    OmniglotResult result;
    for (const OmniglotRun& run : runs) {
        const Episode episode = episode_of(run);
        const std::vector<float> embeddings =
            model.embed(parameters, as_input(run, model.picture_size(), preparation));
        result.network.right += count_right({embeddings, model.embedding_size()}, episode);
        result.pixels.right += count_right_by_pixels(as_stored(run), Ink::dark, episode);
        result.modified_hausdorff.right += count_right_by_hausdorff(run);
        result.network.n += static_cast<long>(run.asked.size());
        result.chance +=
            static_cast<double>(run.asked.size()) / static_cast<double>(run.shown.size());
    }
    result.pixels.n = result.modified_hausdorff.n = result.network.n;
    result.runs = runs.size();
    result.chance /= static_cast<double>(result.network.n);
    return result;
}

}  // namespace siamc
