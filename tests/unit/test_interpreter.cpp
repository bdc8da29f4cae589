// The bound that kernels are held to: wide enough for any order of a sum, and never wider than
// max(1e-5, 4 k unit sum |a b|) for k products.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "catch.h"
#include "sampling/random.h"
#include "support/interpreter.h"

namespace siamc::compiler::test {

namespace {

struct Products {
    explicit Products(int k, double scale) : a(make(k, scale, 1)), b(make(k, scale, 2)) {}

    static Bounded make(int k, double scale, std::uint64_t seed) {
        Random random(seed, Stream::glyph_test);
        Bounded numbers{{{{k}, Rows::none}, 1, {}}, {}};
        for (int i = 0; i < k; ++i)
            numbers.tensor.data.push_back(static_cast<float>(scale * (random.uniform() - 0.4)));
        return numbers;
    }

    size_t count() const { return a.tensor.data.size(); }
    double product(size_t i) const { return a.tensor.data[i] * b.tensor.data[i]; }

    Number sum_in_double() const {
        Halide::ImageParam left(Halide::Float(32), 1, "left"), right(Halide::Float(32), 1, "right");
        const Halide::RDom r(0, static_cast<int>(count()));
        Halide::Func sum("sum");
        sum() = 0.0f;
        sum() += left(r) * right(r);
        Interpreter interpreter;
        interpreter.bind(left.name(), a);
        interpreter.bind(right.name(), b);
        return interpreter.evaluate(sum, {});
    }

    float sum_in_float(const std::vector<size_t>& order) const {
        float sum = 0;
        for (const size_t i : order)
            sum += static_cast<float>(a.tensor.data[i]) * static_cast<float>(b.tensor.data[i]);
        return sum;
    }

    Bounded a, b;
};

}  // namespace

TEST_CASE("kernels are held to a bound that sums of products keep", "[unit]") {
    for (const double scale : {1.0, 100.0})
        for (const int k : {2, 3, 8, 100, 3000}) {
            const Products products(k, scale);
            double magnitude = 0, sum = 0;
            for (size_t i = 0; i < products.count(); ++i) {
                magnitude += std::abs(products.product(i));
                sum += products.product(i);
            }
            const Number number = products.sum_in_double();
            const double allowed = tolerance(number.value, number.error);
            INFO(k << " products: " << sum << " +- " << allowed);
            CHECK(number.value == sum);
            CHECK(allowed <= std::max(1e-5, 4 * k * unit * magnitude));
            std::vector<size_t> order(products.count());
            std::iota(order.begin(), order.end(), 0);
            CHECK(std::abs(products.sum_in_float(order) - sum) <= allowed);
            std::reverse(order.begin(), order.end());
            CHECK(std::abs(products.sum_in_float(order) - sum) <= allowed);
            std::sort(order.begin(), order.end(), [&](size_t i, size_t j) {
                return products.product(i) < products.product(j);  // sums grow as far as they can
            });
            CHECK(std::abs(products.sum_in_float(order) - sum) <= allowed);
        }
}

}  // namespace siamc::compiler::test
