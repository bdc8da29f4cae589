// The commands of gallery_NAME. Each takes the flags of its table and gives the exit code.
#pragma once

#include "cli/values.h"

namespace siamc {

int gallery_enroll(const cli::Values& values);
int gallery_identify(const cli::Values& values);
int gallery_verify(const cli::Values& values);
int gallery_remove(const cli::Values& values);
int gallery_list(const cli::Values& values);
int gallery_merge(const cli::Values& values);
int gallery_reembed(const cli::Values& values);
int gallery_export(const cli::Values& values);
int gallery_compare(const cli::Values& values);
int gallery_embed(const cli::Values& values);

// Of commands that answer a yes or no, as diff and grep have them.
constexpr int exit_same = 0, exit_different = 1;

}  // namespace siamc
