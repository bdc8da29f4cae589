#include "cli/version.h"

#include "siamc_version.h"

namespace siamc::cli {

std::string project_version() {
    return SIAMC_VERSION;
}

std::string version_text(const Program& program) {
    std::string text = program.name + " " SIAMC_VERSION;
    const std::string commit = SIAMC_COMMIT;  // empty where it was not known
    text += commit.empty() ? "\n" : " (commit " + commit + ")\n";
    if (program.versions)
        for (const std::string& line : program.versions()) text += line + "\n";
    return text;
}

}  // namespace siamc::cli
