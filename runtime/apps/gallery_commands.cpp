#include "apps/gallery_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "apps/command_line.h"
#include "apps/picture_embedder.h"
#include "apps/trained_run.h"
#include "cli/output.h"
#include "core/error.h"
#include "core/files.h"
#include "core/sha256.h"
#include "core/tell.h"
#include "core/wording.h"
#include "gallery/gallery.h"

namespace siamc {
namespace {

using Json = nlohmann::ordered_json;

// Lists have a name a line.
void check_name(const std::string& name) {
    if (std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20; })) return;
    fail(Exit::usage,
         "{}: a name has no tabs, line ends or other control characters\n  write: another --name",
         in_quotes(name));
}

// Row i of some embeddings is the i-th one's.
void set_embeddings(std::vector<Enrolment>& enrolments, const std::vector<float>& embeddings) {
    auto row = embeddings.begin();
    const auto size = std::ssize(embeddings) / std::max<std::ptrdiff_t>(1, std::ssize(enrolments));
    for (Enrolment& enrolment : enrolments) {
        enrolment.embedding.assign(row, row + size);
        row += size;
    }
}

std::vector<Enrolment> enrolments_of_pictures(TrainedRun& run, const cli::Values& values) {
    PictureEmbedder embedder(run);
    std::vector<Enrolment> all;
    for_each_picture(values.text("PATH"), [&](const NamedPicture& picture) {
        const std::string identity = values.has("name") ? values.text("name") : picture.identity;
        if (identity.empty())
            fail(Exit::usage,
                 "{}: lies in no folder that is named after whom it shows\n  write: --name NAME",
                 picture.source);
        check_name(identity);
        embedder.add(picture.bytes, picture.source);
        const auto bytes = std::as_bytes(std::span(picture.bytes));
        all.push_back({identity, picture.source, sha256(bytes), {}, {}});
        if (values.flag("keep-images")) all.back().image.assign(bytes.begin(), bytes.end());
    });
    set_embeddings(all, embedder.take());
    return all;
}

// The lines of a file, one for each of `count` rows.
std::vector<std::string> read_names(const std::string& file, std::size_t count) {
    constexpr std::size_t most_bytes = std::size_t{1} << 30;
    const std::string text = read_file(file, most_bytes);
    std::vector<std::string> names;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        names.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    const bool empty =
        std::any_of(names.begin(), names.end(), [](auto& name) { return name.empty(); });
    if (names.size() != count || empty)
        fail(Exit::bad_data, "--names: {} has {} names{}, and there are {} embeddings", file,
             names.size(), empty ? ", some of them empty" : "", count);
    return names;
}

std::vector<Enrolment> enrolments_of_embeddings(const TrainedRun& run, const cli::Values& values) {
    const std::string& path = values.text("PATH");
    const auto size = static_cast<std::size_t>(run.model.embedding_size());
    const std::vector<float> embeddings = read_embeddings(path, run.model.embedding_size());
    const std::size_t count = embeddings.size() / size;
    if (!values.has("name") && !values.has("names"))
        fail(Exit::usage,
             "{}: says not whom its embeddings show\n  write: --names FILE, a line each", path);
    const std::vector<std::string> names = values.has("names")
                                               ? read_names(values.text("names"), count)
                                               : std::vector(count, values.text("name"));
    std::vector<Enrolment> all;
    for (std::size_t i = 0; i < count; ++i) {
        check_name(names[i]);
        const std::span row(&embeddings[i * size], size);
        all.push_back({names[i], "", sha256(std::as_bytes(row)), {}, {row.begin(), row.end()}});
    }
    return all;
}

std::string counted(long count, const char* one, const char* many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

void report(const cli::Values& values, const EnrolResult& result, std::size_t identities) {
    if (values.flag("json")) {
        print_json({{"gallery", values.text("gallery")},
                    {"added", result.added},
                    {"known", result.known},
                    {"identities", identities}});
        return;
    }
    tell("{} added{}; the gallery has {}\n", counted(result.added, "image", "images"),
         result.known ? fmt::format(", {} were there before", result.known) : "",
         counted(static_cast<long>(identities), "identity", "identities"));
}

}  // namespace

int gallery_enroll(const cli::Values& values) {
    TrainedRun run = open_trained(values);
    const std::vector<Enrolment> enrolments = is_embeddings(values.text("PATH"))
                                                  ? enrolments_of_embeddings(run, values)
                                                  : enrolments_of_pictures(run, values);
    Gallery gallery(values.text("gallery"), Access::create);  // not before all images are read
    gallery.adopt(fingerprint_of(run));
    gallery.check(fingerprint_of(run), values.text("run"));
    const EnrolResult result = gallery.enroll(enrolments);
    report(values, result, gallery.identities().size());
    return 0;
}

int gallery_remove(const cli::Values& values) {
    Gallery gallery(values.text("gallery"), Access::write);
    const std::string& name = values.text("NAME");
    if (!gallery.remove(name)) gallery.fail_no_identity(name);
    return 0;
}

int gallery_list(const cli::Values& values) {
    const Gallery gallery(values.text("gallery"), Access::read);
    Json identities = Json::array();
    for (const Identity& identity : gallery.identities()) {
        identities.push_back({{"name", identity.name}, {"images", identity.templates}});
        if (!values.flag("json")) print("{}\t{}\n", identity.name, identity.templates);
    }
    if (!values.flag("json")) return 0;
    const Fingerprint fingerprint =
        gallery.has_fingerprint() ? gallery.fingerprint() : Fingerprint{};
    print_json({{"gallery", values.text("gallery")},
                {"model", fingerprint.model},
                {"weights_sha256", fingerprint.weights_sha256},
                {"preparation", fingerprint.preparation},
                {"embedding_size", fingerprint.embedding_size},
                {"identities", identities}});
    return 0;
}

int gallery_merge(const cli::Values& values) {
    const Gallery other(values.text("OTHER"), Access::read);
    Gallery gallery(values.text("gallery"), Access::create);
    const EnrolResult result = gallery.merge(other);
    report(values, result, gallery.identities().size());
    return 0;
}

int gallery_reembed(const cli::Values& values) {
    TrainedRun run = open_trained(values);
    Gallery gallery(values.text("gallery"), Access::write);
    PictureEmbedder embedder(run);
    std::vector<std::int64_t> ids;
    constexpr std::size_t most_bytes = std::size_t{1} << 28;
    for (const KeptImage& kept : gallery.images()) {
        if (kept.image.empty() && kept.source.empty())
            fail(Exit::missing_input,
                 "{}: an embedding was enrolled without its image, so it cannot be made anew\n"
                 "  write: enroll with the other run, into another gallery",
                 values.text("gallery"));
        std::vector<std::byte> bytes = kept.image;
        if (bytes.empty()) {
            const std::string text = read_file(kept.source, most_bytes);
            std::transform(text.begin(), text.end(), std::back_inserter(bytes),
                           [](char c) { return static_cast<std::byte>(c); });
        }
        embedder.add({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                     kept.source);
        ids.push_back(kept.id);
    }
    gallery.replace(fingerprint_of(run), ids, embedder.take());
    report(values, {0, static_cast<long>(ids.size())}, gallery.identities().size());
    return 0;
}

}  // namespace siamc
