// For losses over the batch that look at an image's positives one by one, each against all images:
// B^2 steps for each positive, and no more memory than a number for one of them at a time.
#pragma once

#include "layers/batch_loss.h"

namespace siamc::compiler {

// Schedules (schedules/rows.cpp) know these Funcs by their shape: what is made for a
// positive has indices (p, row) and is computed in the loop over the positives that wants it, so
// such a Func serves one sum of positives.
class EachPositive {
  public:
    explicit EachPositive(const BatchLoss& batch) : batch_(batch) {}

    using OfPair = BatchLoss::OfPair;
    using OfTriple = std::function<Halide::Expr(const Halide::Expr& n, const Halide::Expr& p,
                                                const Halide::Expr& row)>;

    // For a positive p, over the images n of the batch: the sum of `value`; the smallest `value`,
    // BatchLoss::none if there is none; the first n with `among`.
    Halide::Func sum(const std::string& name, const OfTriple& value) const;
    Halide::Func smallest(const std::string& name, const OfTriple& value) const;
    Halide::Func first(const std::string& name, const OfTriple& among) const;

    // Over the row's positives: the sum of `value`; for each image j of the batch, the sum of
    // `value`(j, p, row), 0 beyond the batch.
    Halide::Func total(const std::string& name, const OfPair& value) const;
    Halide::Func spread(const std::string& name, const OfTriple& value) const;
    // How many there are.
    Halide::Func count(const std::string& name) const;

  private:
    Halide::RDom positives(const Halide::Expr& row) const;

    const BatchLoss& batch_;
};

}  // namespace siamc::compiler
