// A program that trains, evaluates or recognises, but for its models and its name: those the build
// links into it, with a main that calls one of those below (cmake/SiamcPrograms.cmake).
#pragma once

#include <siamc/siamc.h>

#include <span>

namespace siamc {

struct LinkedModel {
    const siamc_model* tables;
    const char* recipes;  // the text of its recipes file; null if it has none
};

struct Linked {
    const char* program;  // train_NAME, eval_NAME or gallery_NAME
    std::span<const LinkedModel> models;
};

// Defined by the program.
extern const Linked linked;

// They give the exit code.
int train_main(int argc, char** argv);
int eval_main(int argc, char** argv);
int gallery_main(int argc, char** argv);

}  // namespace siamc
