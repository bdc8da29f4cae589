#include "frontend/reserved_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace siamc::compiler {

namespace {

// Headers that those of C and C++ or of the system include by <NAME.h>, and that are identifiers:
// where the folder of a library is searched first, its header hides theirs. In lower case: there
// are file systems that tell no cases apart.
const std::set<std::string>& system_headers() {
    static const std::set<std::string> names = {
        // C, up to C23
        "assert", "complex", "ctype", "errno", "fenv", "float", "inttypes", "iso646", "limits",
        "locale", "math", "setjmp", "signal", "stdalign", "stdarg", "stdatomic", "stdbit",
        "stdbool", "stdckdint", "stddef", "stdint", "stdio", "stdlib", "stdnoreturn", "string",
        "tgmath", "threads", "time", "uchar", "wchar", "wctype",
        // POSIX
        "aio", "cpio", "dirent", "dlfcn", "fcntl", "fmtmsg", "fnmatch", "ftw", "glob", "grp",
        "iconv", "langinfo", "libgen", "libintl", "monetary", "mqueue", "ndbm", "netdb", "nl_types",
        "poll", "pthread", "pwd", "regex", "sched", "search", "semaphore", "spawn", "strings",
        "stropts", "syslog", "tar", "termios", "trace", "ulimit", "unistd", "utime", "utmpx",
        "wordexp",
        // glibc, Linux, BSD
        "aliases", "alloca", "ar", "argp", "argz", "byteswap", "crypt", "elf", "endian", "envz",
        "err", "error", "execinfo", "features", "fpu_control", "fstab", "fts", "gconv", "getopt",
        "gshadow", "ieee754", "ifaddrs", "lastlog", "libio", "link", "malloc", "mcheck", "memory",
        "mntent", "nss", "obstack", "paths", "printf", "proc_service", "pty", "re_comp", "regexp",
        "resolv", "sgtty", "shadow", "stab", "stdio_ext", "syscall", "sysexits", "termio",
        "thread_db", "ttyent", "ucontext", "utmp", "values", "wait",
        // compilers
        "arm_acle", "arm_neon", "cpuid", "gcov", "mm_malloc", "omp", "quadmath", "unwind",
        "varargs", "syslimits",
        // macOS
        "alloc", "assertmacros", "availability", "availabilityinternal", "availabilitymacros",
        "availabilityversions", "block", "gethostuuid", "runetype", "secure", "targetconditionals",
        "xlocale",
        // Windows
        "basetsd", "conio", "corecrt", "crtdbg", "crtdefs", "direct", "eh", "excpt", "guiddef",
        "io", "minwindef", "new", "process", "sal", "sdkddkver", "share", "specstrings", "tchar",
        "vadefs", "vcruntime", "vcruntime_string", "windows", "windef", "winbase", "winerror",
        "winnt", "winsock", "winsock2", "yvals"};
    return names;
}

// Programs could say NAME_model, but not NAME; and nobody wants to find out which.
const std::set<std::string>& words() {
    static const std::set<std::string> names = {
        "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break",
        "case", "catch", "char", "char16_t", "char32_t", "char8_t", "class", "co_await",
        "co_return", "co_yield", "compl", "concept", "const", "const_cast", "consteval",
        "constexpr", "constinit", "continue", "decltype", "default", "delete", "do", "double",
        "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for",
        "friend", "goto", "if", "inline", "int", "long", "main", "mutable", "namespace", "new",
        "noexcept", "not", "not_eq", "nullptr", "operator", "or", "or_eq", "private", "protected",
        "public", "register", "reinterpret_cast", "requires", "restrict", "return", "short",
        "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch",
        "template", "this", "thread_local", "throw", "true", "try", "typedef", "typeid", "typename",
        "typeof", "typeof_unqual", "union", "unsigned", "using", "virtual", "void", "volatile",
        "wchar_t", "while", "xor", "xor_eq",
        // macros of compilers for Linux
        "linux", "unix"};
    return names;
}

// con, prn, aux, nul, com0 to com9, lpt0 to lpt9
bool is_device(const std::string& name) {
    static const std::set<std::string> devices = {"con", "prn", "aux", "nul"};
    const bool numbered = name.size() == 4 && std::isdigit(static_cast<unsigned char>(name[3]));
    return devices.count(name) ||
           (numbered && (name.starts_with("com") || name.starts_with("lpt")));
}

}  // namespace

bool is_model_name(const std::string& name) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto fits = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; };
    return !name.empty() && name.size() <= longest_model_name && is_letter(name[0]) &&
           std::all_of(name.begin(), name.end(), fits);
}

std::string name_conflict(const std::string& name) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (system_headers().count(lower) || lower.ends_with("intrin"))  // of every instruction set
        return fmt::format("its header, {}.h, would be found where the system's {}.h is asked for",
                           name, lower);
    if (lower == "siamc" || lower.rfind("siamc_", 0) == 0)
        return "names that begin with siamc are those of the runtime's own functions";
    if (words().count(lower)) return fmt::format("{} is a word of C or C++", lower);
    if (is_device(lower)) return "Windows takes a file of that name for a device";
    return "";
}

}  // namespace siamc::compiler
