#include "sampling/shifts.h"

#include <algorithm>

namespace siamc {

void draw_shifts(std::span<const std::int32_t> rows, int branches, int most, Random random,
                 std::vector<std::int32_t>& shifts) {
    shifts.resize(2 * rows.size());
    for (std::int32_t& shift : shifts) shift = random.between(-most, most);
    const auto tuple = static_cast<std::size_t>(branches);
    for (std::size_t anchor = tuple; anchor < rows.size(); anchor += tuple)
        if (rows[anchor] == rows[anchor - tuple])
            std::copy_n(&shifts[2 * (anchor - tuple)], 2, &shifts[2 * anchor]);
}

}  // namespace siamc
