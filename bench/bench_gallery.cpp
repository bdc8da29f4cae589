// How long a question to a gallery takes: one embedding against all templates, exactly.
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "apps/command_line.h"
#include "apps/linked_models.h"
#include "cli/output.h"
#include "cli/run_program.h"
#include "core/model.h"
#include "gallery/recognizer.h"
#include "machine/timing.h"
#include "sampling/random.h"

namespace siamc {
namespace {

// Unit vectors, one an identity.
Templates random_templates(std::int32_t count, int size) {
    Templates all;
    all.embeddings.reserve(static_cast<std::size_t>(count) * static_cast<std::size_t>(size));
    for (std::int32_t who = 0; who < count; ++who) {
        all.names.push_back(fmt::format("{}", who));
        all.identity.push_back(who);
        all.ids.push_back(who + 1);
        Random random(0, Stream::glyph_test, 0, static_cast<std::uint32_t>(who));
        double squares = 0;
        for (int e = 0; e < size; ++e) {
            all.embeddings.push_back(random.uniform() - 0.5f);
            squares += double{all.embeddings.back()} * all.embeddings.back();
        }
        const auto scale = static_cast<float>(1 / std::sqrt(squares));
        for (auto value = all.embeddings.end() - size; value != all.embeddings.end(); ++value)
            *value *= scale;
    }
    return all;
}

int bench(const cli::Values& values) {
    Model model(find_model("fc"));
    use_threads(model.tables(), values.whole("threads"));
    FloatBuffer parameters = model.flat_buffer();
    model.initialize(parameters, 0);
    const int count = values.whole("identities"), size = model.embedding_size();
    Templates templates = random_templates(count, size);
    const std::vector<float> query(templates.embeddings.end() - size, templates.embeddings.end());
    Recognizer recognizer(model, parameters, std::move(templates), Match::templates);
    const double seconds = time_in_rounds({[&] { recognizer.recognize(query); }}, 5, 0.5)[0];
    const double bytes = 4.0 * count * size;
    print("{} identities x {}, {} threads: {:.3f} ms a question, {:.1f} GB/s\n", count, size,
          values.whole("threads"), seconds * 1e3, bytes / seconds * 1e-9);
    return recognizer.recognize(query).identity == count - 1 ? 0 : 1;
}

cli::Program bench_program() {
    return {.name = "bench_gallery",
            .summary = "time questions to a gallery of random embeddings",
            .commands = {{.groups = {{"What",
                                      {{.name = "identities",
                                        .kind = cli::Whole{1, 8'000'000},
                                        .unit = "identities",
                                        .initial = "10000",
                                        .help = "in the gallery, with an embedding each"},
                                       threads_option()}}},
                          .run = bench}}};
}

}  // namespace
}  // namespace siamc

int main(int argc, char** argv) {
    return siamc::cli::run_program(siamc::bench_program(), argc, argv);
}
