// Open-set identification: whose image is it, if it is anybody's that is known?
//
// A gallery holds known classes, identities, each enrolled by a few images, its templates; an
// identity is as far from a probe as the nearest of them. A probe is of an identity or of none: a
// stranger. It is accepted where its nearest identity is closer than a threshold. The measures are
// those of ISO/IEC 19795-1, as NIST's evaluations of 1:N face recognition (FRTE, once FRVT) name
// them: FPIR and FNIR, here with the nearest identity as the only candidate. 1 - FNIR is the
// detection and identification rate at rank 1 of P. J. Phillips, P. Grother, R. Micheals,
// "Evaluation methods in face recognition" (Handbook of Face Recognition, 2nd ed., 2011), who call
// FPIR the false alarm rate.
#pragma once

#include <span>
#include <vector>

#include "evaluation/accuracy.h"

namespace siamc {

struct Probe {
    float nearest = 0;   // distance of the nearest identity
    float second = 0;    // of the second nearest one: infinite if there is none
    bool right = false;  // whether the nearest identity is the probe's; never of a stranger
    bool known = false;  // whether it is of an identity of the gallery
};

// From the distances of a probe of class `label` to all templates, and the templates' identities.
// bad_data if a distance isn't finite or there is no template; internal if their numbers differ.
Probe probe_of(std::span<const float> distances, std::span<const int> identities, int label);

// How many of n probes: an error rate, or one of success.
struct ProbeRate {
    long count = 0, n = 0;  // n > 0

    double value() const { return static_cast<double>(count) / static_cast<double>(n); }
    // Wilson's 95 % interval, as if the probes were independent: a little narrow, as those of a
    // class share its templates.
    Interval ci95() const { return wilson95(value(), static_cast<double>(n)); }
};

// The detection and identification rate at a threshold. The rate's interval takes the threshold as
// given, though strangers fixed it.
struct Detection {
    ProbeRate identified;    // 1 - FNIR: of known probes
    ProbeRate false_alarms;  // FPIR: of strangers
    double threshold = 0;    // infinite if it lets all strangers through
};

class OpenSet {
  public:
    // bad_data if a distance is NaN, or a nearest one infinite, or if there are no known probes or
    // no strangers; internal if a second distance is below the nearest or a stranger's identity
    // right.
    explicit OpenSet(std::span<const Probe> probes);

    // The share of known probes that are right whatever their distance: rank 1, closed set. Where
    // two identities are equally near the probe is wrong, here and below.
    ProbeRate rank1() const;

    // Known probes that aren't right with D < threshold: missed, or taken for another.
    ProbeRate fnir(double threshold) const;
    // Strangers with D < threshold.
    ProbeRate fpir(double threshold) const;

    // With the highest threshold that accepts the share `far` of strangers at most, 0 <= far <= 1:
    // a known probe as near as the first stranger that is rejected is rejected too. Only as fine as
    // 1 / (number of strangers). usage if far is out of range.
    Detection detection_at_far(double far) const;

  private:
    std::vector<double> right_, strangers_;  // distances, ascending
    long known_ = 0;
};

}  // namespace siamc
