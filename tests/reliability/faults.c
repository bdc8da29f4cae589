/* Faults on request: preloaded (LD_PRELOAD) into a program, this makes one of its calls on files
 * fail, or ends the program there, as a full or broken disk and a kill would.
 *
 *   SIAMC_FAULT_FOLDER  calls on files below this folder (absolute) are counted, from 1
 *   SIAMC_FAULT_CALL    the one that fails; 0: none
 *   SIAMC_FAULT_EVER    1: all that follow fail too
 *   SIAMC_FAULT_KIND    kill, full, broken, short, interrupted
 *   SIAMC_FAULT_LOG     a file that gets a line a call: its name, and "!" after it where it failed
 *
 * Counted are open, write, fsync, close, rename. A short write writes half; other calls cannot be
 * short and do what they always do. A kill within a write leaves half of it, too. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { most_descriptors = 1024 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char below[most_descriptors]; /* whether a descriptor is of a file below the folder */
static long calls;

static const char* setting(const char* name) {
    const char* value = getenv(name);
    return value ? value : "";
}

static int is_below(int folder, const char* path) {
    const char* prefix = setting("SIAMC_FAULT_FOLDER");
    if (path[0] == '/') return *prefix && strncmp(path, prefix, strlen(prefix)) == 0;
    return folder >= 0 && folder < most_descriptors && below[folder];
}

static void note(const char* name, int failed) {
    char line[64];
    const char* log = setting("SIAMC_FAULT_LOG");
    const int length = snprintf(line, sizeof line, "%s%s\n", name, failed ? "!" : "");
    const long file = *log ? syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT, 0600) : -1;
    if (file < 0) return;
    syscall(SYS_write, (int)file, line, (size_t)length);
    syscall(SYS_close, (int)file);
}

/* Counts a call; gives the kind of fault that it is to have, or NULL. */
static const char* fault(const char* name) {
    const char* kind = setting("SIAMC_FAULT_KIND");
    const long chosen = atol(setting("SIAMC_FAULT_CALL"));
    long number;
    int failed;
    pthread_mutex_lock(&mutex);
    number = ++calls;
    pthread_mutex_unlock(&mutex);
    failed = chosen > 0 && (number == chosen || (*setting("SIAMC_FAULT_EVER") == '1' && number > chosen));
    if (failed && strcmp(kind, "short") == 0 && strcmp(name, "write") != 0) failed = 0;
    note(name, failed);
    if (!failed) return NULL;
    if (strcmp(kind, "kill") == 0 && strcmp(name, "write") != 0) kill(getpid(), SIGKILL);
    errno = strcmp(kind, "full") == 0 ? ENOSPC : strcmp(kind, "interrupted") == 0 ? EINTR : EIO;
    return kind;
}

static int opened(long result, int counted) {
    if (result < 0) {
        if (result == -1) return -1; /* syscall() has set errno */
    } else if (result < most_descriptors) {
        below[result] = (char)counted;
    }
    return (int)result;
}

static int open_at(int folder, const char* path, int flags, mode_t mode) {
    const int counted = is_below(folder, path);
    if (counted && fault("open")) return -1;
    return opened(syscall(SYS_openat, folder, path, flags, mode), counted);
}

static mode_t mode_of(int flags, va_list rest) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define DEFINE_OPEN(name)                                  \
    int name(const char* path, int flags, ...) {           \
        va_list rest;                                      \
        mode_t mode;                                       \
        va_start(rest, flags);                             \
        mode = mode_of(flags, rest);                       \
        va_end(rest);                                      \
        return open_at(AT_FDCWD, path, flags, mode);       \
    }
#define DEFINE_OPENAT(name)                                \
    int name(int folder, const char* path, int flags, ...) { \
        va_list rest;                                      \
        mode_t mode;                                       \
        va_start(rest, flags);                             \
        mode = mode_of(flags, rest);                       \
        va_end(rest);                                      \
        return open_at(folder, path, flags, mode);         \
    }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

static int counts(int descriptor) {
    return descriptor >= 0 && descriptor < most_descriptors && below[descriptor];
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
    const char* kind = counts(descriptor) ? fault("write") : NULL;
    const int is_kill = kind && strcmp(kind, "kill") == 0;
    if (kind && !is_kill && strcmp(kind, "short") != 0) return -1;
    if (kind && size > 1) size /= 2;
    const ssize_t written = syscall(SYS_write, descriptor, bytes, size);
    if (is_kill) kill(getpid(), SIGKILL);
    return written;
}

int fsync(int descriptor) {
    if (counts(descriptor) && fault("fsync")) return -1;
    return (int)syscall(SYS_fsync, descriptor);
}

int close(int descriptor) {
    const char* kind = counts(descriptor) ? fault("close") : NULL;
    const int error = errno;
    if (descriptor >= 0 && descriptor < most_descriptors) below[descriptor] = 0;
    const int status = (int)syscall(SYS_close, descriptor); /* always: the number is free again */
    if (!kind) return status;
    errno = error;
    return -1;
}

int rename(const char* from, const char* to) {
    if (is_below(AT_FDCWD, to) && fault("rename")) return -1;
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) {
    if (is_below(to_folder, to) && fault("rename")) return -1;
    return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
    if (is_below(to_folder, to) && fault("rename")) return -1;
    return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}
