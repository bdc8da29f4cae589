// Folders of which one program at a time is the writer, and folders that are replaced at one
// stroke.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "core/descriptor.h"

namespace siamc {

// Holds a folder for this process: others are refused until the lock goes, at the latest with the
// process. Nothing is written for it. Where the file system has no locks, nothing is held.
class FolderLock {
  public:
    // Makes the folder, and those above it, if it is missing, and removes strays of killed
    // processes from it. cannot_create, with the holder's process id, if another process holds it;
    // cannot_create, with the system's reason, if it cannot be made or opened.
    static FolderLock take(const std::filesystem::path& folder);
    // The same, but waits until no other process holds it.
    static FolderLock wait(const std::filesystem::path& folder);

    const std::filesystem::path& path() const { return path_; }
    // cannot_create, with the system's reason, if the folder cannot be read.
    bool is_empty() const;

  private:
    friend class StagedFolder;
    enum class IfHeld { fail, wait };
    static FolderLock lock_folder(const std::filesystem::path& folder, IfHeld if_held);
    FolderLock(std::filesystem::path path, Descriptor folder)
        : path_(std::move(path)), folder_(std::move(folder)) {}

    std::filesystem::path path_;
    Descriptor folder_;
};

// A folder that is built inside the one whose place it will take: all of the old one stays until
// the new one stands. Goes with the object unless it was put in place.
class StagedFolder {
  public:
    // Errors as FolderLock::take.
    explicit StagedFolder(const std::filesystem::path& target);
    ~StagedFolder();
    StagedFolder(const StagedFolder&) = delete;
    StagedFolder& operator=(const StagedFolder&) = delete;

    // Where to write meanwhile.
    const std::filesystem::path& path() const { return path_; }

    // Puts the folder in the place of the target, which `lock` holds, by one exchange of names; the
    // lock then holds the new folder. The entries in `names` are the new folder's business: of the
    // old one they go, whether or not the new one has them. All others, files of the user, are in
    // the new one too.
    //
    // Where names of folders cannot be exchanged (the target is a mount, or this process works in
    // it; some network file systems) the `names` are put in place one by one, in their order: each
    // is whole at any time then, but a kill in between leaves some of the old beside some of the
    // new.
    //
    // cannot_create if the user's files cannot be carried over, cannot_write if syncing or renaming
    // fails; both name the path and the system's reason.
    void put_in_place(FolderLock& lock, std::span<const std::string> names);

    // Puts files of the folder in place one by one, in their order, and leaves the target's others
    // alone: for a target that is not this program's own. `names` may have folders before them. A
    // kill in between leaves some of the old beside some of the new. Errors as put_in_place.
    void put_files_in_place(std::span<const std::string> names) const;

  private:
    bool exchange(FolderLock& lock, std::span<const std::string> names);
    void carry_over(const FolderLock& old, std::span<const std::string> names) const;
    void move_entries(std::span<const std::string> names) const;

    std::filesystem::path target_, path_;
    Descriptor folder_;  // what is at path_: after the exchange, the old folder
};

// The name of a folder; "data/mnist/" and "." have one too.
std::string last_part(const std::filesystem::path& path);

}  // namespace siamc
