// gallery_NAME: who or what an image shows, by a trained run and a gallery of those it knows.
#include "apps/command_line.h"
#include "apps/gallery_commands.h"
#include "apps/linked_models.h"
#include "apps/programs.h"
#include "apps/trained_run.h"
#include "cli/run_program.h"

namespace siamc {
namespace {

using Options = std::vector<cli::Option>;

Options operator+(Options first, const Options& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

cli::Option gallery_option() {
    return {.name = "gallery", .kind = cli::a_file, .required = true, .help = "its file"};
}

cli::Option threshold_option() {
    return {.name = "threshold",
            .kind = cli::Real{0, 1e30},
            .fallback = "the run's calibrated one, or 0.5",
            .help = "the same where the distance is below it"};
}

cli::Option match_option() {
    return {.name = "match",
            .kind = cli::Word{{"templates", "prototypes"}},
            .initial = "templates",
            .help = "with the nearest image of each identity, or with the mean of its images"};
}

cli::Option out_option(const char* help) {
    return {.name = "out", .letter = 'o', .kind = cli::a_file, .required = true, .help = help};
}

cli::Group the_program(bool json = true) {
    Options options = {threads_option(), config_option(), verbose_option()};
    if (json) options.push_back(json_option());
    return {"The program", options};
}

const cli::Positional pictures = {"PATH", "a picture, or a folder or zip of pictures"};
const cli::Positional pictures_or_embeddings = {
    "PATH", "a picture, a folder or zip of pictures, or embeddings as NAME.npy"};

cli::Command enroll(const std::string& program) {
    return {
        .name = "enroll",
        .summary = "add images of known identities",
        .about =
            "An image that an identity has is not added again. The gallery is made if it is "
            "not there.",
        .positionals = {pictures_or_embeddings},
        .groups = {{"What to add",
                    Options{gallery_option()} + run_options() +
                        Options{{.name = "name",
                                 .fallback = "the folder that a picture lies in",
                                 .help = "whom the images show"},
                                {.name = "names",
                                 .kind = cli::a_file,
                                 .without = {"name"},
                                 .help = "of embeddings: a file with a line for each"},
                                {.name = "keep-images",
                                 .kind = cli::Flag{},
                                 .help = "keep the pictures too, so that another model can embed "
                                         "them (re-embed)"}}},
                   the_program()},
        .examples = {{program + " enroll people --gallery g.db --run runs/mine",
                      "people/anna/1.png, people/ben/1.png, ..."},
                     {program + " enroll anna.png --name anna --gallery g.db --run runs/mine"}},
        .run = gallery_enroll};
}

cli::Command identify(const std::string& program) {
    return {
        .name = "identify",
        .summary = "say whom images show, or that they are unknown",
        .positionals = {{"PATH",
                         "a picture, a folder or zip of pictures, embeddings as NAME.npy, or - for "
                         "paths of pictures on stdin, answered line by line"}},
        .groups = {{"Whom to look for",
                    Options{gallery_option()} + run_options() +
                        Options{
                            {.name = "threshold",
                             .kind = cli::Real{0, 1e30},
                             .fallback = "by --false-alarms, of a calibrated run; or 0.5",
                             .help = "someone where the distance is below it"},
                            {.name = "false-alarms",
                             .kind = cli::Real{.least = 0, .most = 1, .above = true, .below = true},
                             .initial = "0.01",
                             .without = {"threshold"},
                             .help = "share of strangers that may be taken for someone, "
                                     "whatever the gallery's size"},
                            match_option(),
                            {.name = "lines",
                             .kind = cli::Flag{},
                             .without = {"json"},
                             .help = "print a JSON object a line, as soon as it is known"}}},
                   the_program()},
        .examples = {{program + " identify who.png --gallery g.db --run runs/mine"},
                     {"find . -name '*.png' | " + program +
                      " identify - --lines --gallery g.db --run runs/mine"}},
        .run = gallery_identify};
}

cli::Command verify(const std::string& program) {
    return {
        .name = "verify",
        .summary = "say whether a picture shows whom it is said to show",
        .about = "Ends with 0 if it does, 1 if it does not.",
        .positionals = {{"PATH", "a picture"}},
        .groups = {{"Whom", Options{gallery_option()} + run_options() +
                                Options{{.name = "name", .required = true, .help = "the identity"},
                                        threshold_option(),
                                        match_option()}},
                   the_program()},
        .examples = {{program + " verify who.png --name anna --gallery g.db --run runs/mine"}},
        .run = gallery_verify};
}

cli::Command compare(const std::string& program) {
    return {.name = "compare",
            .summary = "say whether two pictures show the same",
            .about = "Ends with 0 if they do, 1 if they do not.",
            .positionals = {{"A", "a picture"}, {"B", "another"}},
            .groups = {{"How", run_options() + Options{threshold_option()}}, the_program()},
            .examples = {{program + " compare a.png b.png --run runs/mine"}},
            .run = gallery_compare};
}

cli::Command embed(const std::string& program) {
    return {.name = "embed",
            .summary = "write the embeddings of pictures",
            .about = "Into NAME.npy, and their paths into NAME.paths.txt.",
            .positionals = {pictures},
            .groups = {{"How", run_options() + Options{out_option("NAME.npy: float32 [n][size]")}},
                       the_program(false)},
            .examples = {{program + " embed pictures -o x.npy --run runs/mine"}},
            .run = gallery_embed};
}

// Those that only look after the file.
std::vector<cli::Command> housekeeping(const std::string& program) {
    const cli::Group whole = {"Which", {gallery_option(), json_option()}};
    return {{.name = "list",
             .summary = "say who is in a gallery",
             .groups = {whole},
             .examples = {{program + " list --gallery g.db"}},
             .run = gallery_list},
            {.name = "remove",
             .summary = "take an identity out, with all of its images",
             .positionals = {{"NAME", "the identity"}},
             .groups = {{"Which", {gallery_option()}}},
             .examples = {{program + " remove anna --gallery g.db"}},
             .run = gallery_remove},
            {.name = "merge",
             .summary = "add another gallery's identities and images",
             .positionals = {{"OTHER", "its file"}},
             .groups = {whole},
             .examples = {{program + " merge other.db --gallery g.db"}},
             .run = gallery_merge},
            {.name = "re-embed",
             .summary = "move a gallery to another run's model",
             .about = "Where pictures were kept, or are still where they were enrolled from.",
             .groups = {{"Which", Options{gallery_option()} + run_options()}, the_program()},
             .examples = {{program + " re-embed --gallery g.db --run runs/better"}},
             .run = gallery_reembed},
            {.name = "export",
             .summary = "write a gallery for other programs",
             .about = "NAME.npy has the embeddings, NAME.ids.npy their numbers and NAME.names.txt "
                      "whom they show; NAME.sql makes a table for PostgreSQL with pgvector.",
             .groups = {{"What", {gallery_option(), out_option("NAME.npy or NAME.sql")}}},
             .examples = {{program + " export --gallery g.db -o known.npy"}},
             .run = gallery_export}};
}

cli::Program gallery_program() {
    const std::string name = linked.program;
    std::vector<cli::Command> commands = {enroll(name), identify(name), verify(name)};
    for (cli::Command& command : housekeeping(name)) commands.push_back(std::move(command));
    commands.push_back(compare(name));
    commands.push_back(embed(name));
    return {.name = name,
            .summary = "recognise what images show, with a trained run and a gallery",
            .commands = std::move(commands),
            .flag_files = config_files,
            .versions = linked_versions};
}

}  // namespace

int gallery_main(int argc, char** argv) {
    return cli::run_program(gallery_program(), argc, argv);
}

}  // namespace siamc
