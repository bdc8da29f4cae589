// Products whose weights outgrow the second cache.
#include <string>
#include <vector>

#include "catch.h"
#include "schedules/checked_model.h"

namespace siamc::compiler::test {

TEST_CASE("products whose weights outgrow the second cache", "[large]") {
    // 300 is walked in six blocks, the transposed 907 in none; no vector divides 907.
    const std::string layers = dense(300) + dense(907) + dense(3);
    const CheckedModel checked(model(layers, "euclidean"), 4,
                               std::vector<std::string>{"contrastive"});
    CHECK(checked.has_kernel("dense_300x907"));
    for (const KernelTargets& targets : tested_targets())
        checked.check(ScheduleChoice::tuned, targets);
}

}  // namespace siamc::compiler::test
