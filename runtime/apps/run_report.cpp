#include "apps/run_report.h"

namespace siamc {

void write_run_report(const RunFolder&, const Settings&, const std::vector<EpochRow>&, Model&,
                      const FloatBuffer&, const ImageSet&) {}

}  // namespace siamc
