#include "apps/load_images.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include "core/error.h"
#include "core/tell.h"
#include "data/class_list.h"
#include "data/dataset.h"

namespace siamc {

namespace {

// A run and its evaluation hold out the same images.
constexpr std::uint64_t split_seed = 0;

[[noreturn]] void fail_classes(const std::string& text, const std::set<int>& present) {
    fail(Exit::usage,
         "--classes: '{}' is no list of classes: numbers and rising ranges with commas between, as "
         "in 0-5,7; these are all that there are:\n  write: --classes {}",
         text, class_list(present));
}

// Those of `present` that a list like "0-5,7" names. Only its first class that is not there is
// looked at, so that a range may be as long as it likes.
std::vector<int> parse_classes(const std::string& text, const std::set<int>& present) {
    std::set<int> classes;
    const char *at = text.data(), *end = at + text.size();
    const auto number = [&] {
        int value = 0;
        const auto [next, error] = std::from_chars(at, end, value);
        if (error != std::errc() || value < 0) fail_classes(text, present);
        at = next;
        return value;
    };
    while (true) {
        const int first = number();
        int last = first;
        if (at != end && *at == '-') {
            ++at;
            last = number();
        }
        if (last < first) fail_classes(text, present);
        for (long c = first; c <= last; ++c) {
            if (!present.contains(static_cast<int>(c)))
                fail(Exit::usage,
                     "--classes {}: there is no image of class {}\n  write: --classes {}", text, c,
                     class_list(present));
            classes.insert(static_cast<int>(c));
        }
        if (at == end) break;
        if (*at++ != ',') fail_classes(text, present);
    }
    return {classes.begin(), classes.end()};
}

// As --classes takes them, a few.
std::string some_names(const std::set<int>& classes, const std::vector<std::string>& names) {
    constexpr std::size_t most_shown = 10;
    std::string text;
    std::size_t shown = 0;
    for (const int label : classes) {
        if (shown == most_shown) return text + ",...";
        text += (shown++ > 0 ? "," : "") + names[static_cast<std::size_t>(label)];
    }
    return text;
}

// The same of classes with names: "cat,dog".
std::vector<int> parse_class_names(const std::string& text, const std::set<int>& present,
                                   const std::vector<std::string>& names) {
    std::set<int> classes;
    std::size_t start = 0;
    while (start <= text.size()) {
        const std::size_t end = std::min(text.find(',', start), text.size());
        const std::string name = text.substr(start, end - start);
        const auto found = std::find_if(present.begin(), present.end(), [&](int label) {
            return names[static_cast<std::size_t>(label)] == name;
        });
        if (found == present.end())
            fail(Exit::usage,
                 "--classes {}: there is no image of class '{}'\n  write: --classes {}", text, name,
                 some_names(present, names));
        classes.insert(*found);
        start = end + 1;
    }
    return {classes.begin(), classes.end()};
}

Dataset load(const DataFlags& flags, const Model& model, bool train, bool test) {
    DataRequest request;
    request.train = train;
    request.test = test;
    request.transposed = flags.transpose;
    request.inverted = flags.invert;
    request.size = model.picture_size();
    request.resize = flags.resize;
    request.check_size = [&](int height, int width) { model.check_image_size(height, width); };
    Dataset dataset = load_dataset(flags.data, request);
    if (dataset.name.starts_with("emnist") && !flags.transpose)
        tell("{}: EMNIST's files hold images column by column: --transpose turns them upright\n",
             flags.data);
    return dataset;
}

std::set<int> classes_of(const ImageSet& set) {
    return {set.labels.begin(), set.labels.end()};
}

// Classes that can be kept: of all that is wanted.
std::set<int> common_classes(const Dataset& dataset, bool train, bool test) {
    if (!test) return classes_of(dataset.train);
    std::set<int> classes = classes_of(dataset.test);
    if (!train) return classes;
    const std::set<int> trained = classes_of(dataset.train);
    std::erase_if(classes, [&](int label) { return !trained.contains(label); });
    return classes;
}

void keep_classes(const DataFlags& flags, const std::set<int>& present, ImageSet& set) {
    const std::vector<int> classes = set.names.empty()
                                         ? parse_classes(*flags.classes, present)
                                         : parse_class_names(*flags.classes, present, set.names);
    if (classes.size() < 2 && present.size() >= 2) {
        std::set<int> two(classes.begin(), classes.end());
        two.insert(*std::find_if(present.begin(), present.end(),
                                 [&](int label) { return !two.contains(label); }));
        fail(Exit::usage,
             "--classes {}: two classes at least are compared, and this is one\n  write: --classes "
             "{}",
             *flags.classes, set.names.empty() ? class_list(two) : some_names(two, set.names));
    }
    set = take_classes(set, classes);
}

}  // namespace

Split load_split(const DataFlags& flags, const Model& model) {
    const bool test = flags.holdout.none();
    Dataset dataset = load(flags, model, true, test);
    if (flags.classes) {
        const std::set<int> present = common_classes(dataset, true, test);
        keep_classes(flags, present, dataset.train);
        if (test) keep_classes(flags, present, dataset.test);
    }
    Split images = test ? Split{std::move(dataset.train), std::move(dataset.test)}
                        : split(dataset.train, flags.holdout, split_seed);
    if (flags.drop_shared) {
        const long dropped = drop_shared(images);
        if (dropped)
            tell("{} training images are validation images too: they are not trained on\n",
                 dropped);
    }
    check_apart(images);
    check_comparable(images);
    if (const long lonely = lonely_classes(images.train))
        tell(
            "{} of {} classes have a single training image: the others are told from it, but "
            "nothing is learnt to be the same as it\n",
            lonely, images.train.classes());
    return images;
}

Part parse_part(const std::string& text) {
    if (text == "test") return Part::test;
    if (text == "validation") return Part::validation;
    if (text == "all") return Part::all;
    fail(Exit::usage, "--part: no choice '{}'\n  write: test, validation or all", text);
}

ImageSet load_test_images(const DataFlags& flags, const Model& model) {
    Dataset dataset = load(flags, model, false, true);
    if (flags.classes) keep_classes(flags, classes_of(dataset.test), dataset.test);
    return std::move(dataset.test);
}

ImageSet load_all_images(const DataFlags& flags, const Model& model) {
    ImageSet images;
    bool any = false;
    for (const bool test : {false, true}) {
        try {
            Dataset dataset = load(flags, model, !test, test);
            if (any)
                append(images, dataset.test);
            else
                images = std::move(test ? dataset.test : dataset.train);
            any = true;
        } catch (const Error& error) {
            if (error.code() != Exit::missing_input || (test && !any)) throw;
        }
    }
    if (flags.classes) keep_classes(flags, classes_of(images), images);
    return images;
}

ImageSet load_validation_images(const DataFlags& flags, const DataFlags& run,
                                const SplitRecord& record, const Model& model) {
    if (record.validates_test_images())
        fail(Exit::usage,
             "--part validation: the run held no images out, it was validated on the test images\n"
             "  write: --part test, or train with --split image:0.2 or class:0.2");
    ImageSet images = load_split(run, model).validation;
    if (images_hash(images) != record.validation_hash)
        fail(Exit::bad_data,
             "--data: not the images that the run was trained with: of these others would be held "
             "out\n  write: the same --data, or another --part");
    if (flags.classes) keep_classes(flags, classes_of(images), images);
    return images;
}

}  // namespace siamc
