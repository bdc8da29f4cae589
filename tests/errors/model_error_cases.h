// What the tables of faulty models share. Faults are built from a sound model of eight lines:
// `head` is lines 1 to 3, `layer` 4 and 5, `distance` 6 and 7, `loss` 8.
#pragma once

#include <string>
#include <vector>

#include "catch.h"
#include "fake_layers.h"
#include "frontend/model_spec.h"

namespace siamc::compiler::model_error_cases {

inline const std::string head = "name = \"m\"\n[input]\nshape = [4, 4]\n";
inline const std::string layer = "[[layer]]\ntype = \"relu\"\n";
inline const std::string distance = "[distance]\ntype = \"euclidean\"\n";
inline const std::string loss = "[loss.contrastive]\n";

// A model that ends with these lines, the first of them line 3.
inline std::string in_input(const std::string& lines) {
    return "name = \"m\"\n[input]\n" + lines;
}

// A model whose only layer has these lines, the first of them line 5.
inline std::string in_layer(const std::string& lines) {
    return head + "[[layer]]\n" + lines + distance + loss;
}

struct Case {
    const char* fault;
    std::string text;
    std::string message;
};

inline std::string message_of(const std::string& text) {
    try {
        parse_model(text, fake_layers());
    } catch (const ModelError& error) {
        return error.message("m.toml");
    }
    return "no error";
}

inline void check(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        INFO(one.fault);
        CHECK(message_of(one.text) == one.message);
    }
}

}  // namespace siamc::compiler::model_error_cases
