#include "core/programs.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <system_error>

extern char** environ;

namespace siamc {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& file) {
    std::error_code ignored;
    return fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0;
}

std::vector<char*> environment_without(std::string_view name) {
    std::vector<char*> variables;
    for (char** entry = environ; *entry; ++entry) {
        const std::string_view text = *entry;
        if (name.empty() || text.substr(0, text.find('=')) != name) variables.push_back(*entry);
    }
    variables.push_back(nullptr);
    return variables;
}

}  // namespace

fs::path find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) return is_program(name) ? fs::path(name) : fs::path();
    const char* path = std::getenv("PATH");
    std::istringstream folders(path ? path : "/usr/bin:/bin");
    for (std::string folder; std::getline(folders, folder, ':');) {
        const fs::path file = fs::path(folder.empty() ? "." : folder) / name;
        if (is_program(file)) return file;
    }
    return {};
}

fs::path find_program_beside(const std::string& name) {
    std::error_code unknown;
    const fs::path beside = fs::read_symlink("/proc/self/exe", unknown).parent_path() / name;
    return !unknown && is_program(beside) ? beside : find_program(name);
}

int run_and_wait(const std::vector<std::string>& command, std::string_view without) {
    std::vector<char*> arguments, environment = environment_without(without);
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    pid_t child = 0;
    const int error =
        ::posix_spawnp(&child, arguments[0], &files, nullptr, arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&files);
    if (error) throw std::system_error(error, std::generic_category(), command[0]);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
    return status;
}

std::string describe_status(int status) {
    return WIFEXITED(status) ? fmt::format("exit code {}", WEXITSTATUS(status))
                             : fmt::format("signal {}", WTERMSIG(status));
}

}  // namespace siamc
