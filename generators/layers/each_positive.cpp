#include "layers/each_positive.h"

namespace siamc::compiler {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

RDom EachPositive::positives(const Expr& row) const {
    RDom p(0, batch_.images(), "p");
    p.where(batch_.is_positive(p, row));
    return p;
}

Func EachPositive::sum(const std::string& name, const OfTriple& value) const {
    Var p("p"), row("row");
    const RDom n(0, batch_.images(), "n");
    Func out(name);
    out(p, row) = 0.0f;
    out(p, row) += value(n, p, row);
    return out;
}

Func EachPositive::smallest(const std::string& name, const OfTriple& value) const {
    Var p("p"), row("row");
    const RDom n(0, batch_.images(), "n");
    Func out(name);
    out(p, row) = BatchLoss::none;
    out(p, row) = min(out(p, row), value(n, p, row));
    return out;
}

Func EachPositive::first(const std::string& name, const OfTriple& among) const {
    Var p("p"), row("row");
    const RDom n(0, batch_.images(), "n");
    Func out(name);
    out(p, row) = batch_.images();
    out(p, row) = min(out(p, row), select(among(n, p, row), Expr(n), batch_.images()));
    return out;
}

Func EachPositive::total(const std::string& name, const OfPair& value) const {
    Var row("row");
    const RDom p = positives(row);
    Func out(name);
    out(row) = 0.0f;
    out(row) += value(p, row);
    return out;
}

Func EachPositive::spread(const std::string& name, const OfTriple& value) const {
    Var j("j"), row("row");
    const RDom p = positives(row);
    Func out(name);
    out(j, row) = 0.0f;
    out(j, row) += select(j < batch_.images(), value(min(j, batch_.images() - 1), p, row), 0.0f);
    return out;
}

Func EachPositive::count(const std::string& name) const {
    return batch_.sum(
        name, [this](const Expr& j, const Expr& i) { return batch_.is_positive(j, i); },
        [](const Expr&, const Expr&) { return Expr(1.0f); });
}

}  // namespace siamc::compiler
