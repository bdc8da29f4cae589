#!/usr/bin/env python3
"""Makes metric_vectors.json: figures of pairs, of search and of open-set identification.

Run it where scikit-learn and numpy are: python3 tests/golden/make_metric_vectors.py

Those of pairs are scikit-learn's, with sample_weight where images are drawn. The others are the
definitions in numpy, from the ranks of what is to be found and by trying every threshold, which is
not how the runtime gets them. Distances are whole numbers of 1 / UNIT, so that many are equal and
all are exact.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, roc_auc_score, roc_curve

OUTPUT = Path(__file__).with_name("metric_vectors.json")
UNIT = 1024


def verification(labels, distances, threshold, weights=None):
    """Labels are 1 for pairs of the same class; a pair is accepted where its distance is lower."""
    far, tar, _ = roc_curve(labels, -distances, sample_weight=weights, drop_intermediate=False)
    excess = far - (1 - tar)
    after = np.flatnonzero(excess >= 0)[0]
    part = -excess[after - 1] / (excess[after] - excess[after - 1])
    accepted = (distances < threshold).astype(int)
    (let_out, let_in), (rejected, kept) = confusion_matrix(labels, accepted, labels=[0, 1],
                                                           sample_weight=weights)
    return {
        "roc_auc": roc_auc_score(labels, -distances, sample_weight=weights),
        "equal_error_rate": far[after - 1] + part * (far[after] - far[after - 1]),
        "tar_at_1_percent": tar[far <= 0.01].max(),
        "tar_at_tenth_percent": tar[far <= 0.001].max(),
        "accuracy": accuracy_score(labels, accepted, sample_weight=weights),
        "far": let_in / (let_out + let_in),
        "frr": rejected / (rejected + kept),
    }


def verification_case(chance, images, same, different, spread, levels):
    """`levels`: how many distances there may be; few make ties."""
    rows = np.array([chance.choice(images, 2, replace=False) for _ in range(same + different)])
    labels = np.array([1] * same + [0] * different)
    order = chance.permutation(same + different)
    effects = chance.normal(0, spread, images)  # an odd image is far from all
    whole = np.where(labels == 1, 1, 2.2) + effects[rows].sum(1)
    whole += chance.normal(0, 0.4, labels.size)
    whole = np.clip(np.round(whole * levels), 0, 4 * levels).astype(int) * (UNIT // levels)
    rows, labels, whole = rows[order], labels[order], whole[order]
    counts = np.bincount(chance.integers(0, images, images), minlength=images)
    threshold = int(np.median(whole))  # the distance of a pair, which it must not accept
    weights = counts[rows[:, 0]] * counts[rows[:, 1]]
    args = labels, whole / UNIT, threshold / UNIT
    return {"rows": rows.ravel().tolist(), "labels": labels.tolist(), "distances": whole.tolist(),
            "threshold": threshold, "counts": counts.tolist(), "plain": verification(*args),
            "weighted": verification(*args, weights)}


def retrieval(labels, distances):
    """Of images of one row of `distances` each."""
    queries = []
    for q, row in enumerate(distances):
        others = np.arange(labels.size) != q
        partners = row[others & (labels == labels[q])]
        strangers = row[others & (labels != labels[q])]
        r = partners.size
        if r == 0:
            continue
        # Where a partner is found: after all strangers that are as near, and among its own, of
        # which equals take the places one after another.
        own = [(partners < d).sum() + (partners[:i] == d).sum() + 1 for i, d in enumerate(partners)]
        place = np.array([(strangers <= d).sum() + o for d, o in zip(partners, own)])
        found = [o / p for o, p in zip(own, place) if p <= r]
        queries.append([place.min() <= k for k in (1, 5, 10)] + [len(found) / r, sum(found) / r])
    names = ("recall_at_1", "recall_at_5", "recall_at_10", "r_precision", "map_at_r")
    return {"queries": len(queries), **dict(zip(names, np.mean(queries, 0).tolist()))}


def retrieval_case(chance, sizes, scale):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    labels = labels[chance.permutation(labels.size)]
    centres = chance.normal(0, 1, (len(sizes), 3))
    points = np.round(scale * (centres[labels] + chance.normal(0, 0.6, (labels.size, 3))))
    whole = np.abs(points[:, None] - points[None]).sum(2).astype(int)
    return {"labels": labels.tolist(), "distances": whole.ravel().tolist(),
            **retrieval(labels, whole / UNIT)}


def open_set(nearest, second, right, known, far):
    def rates(threshold):
        found = right & (nearest < second) & (nearest < threshold)
        return found[known].mean(), (nearest[~known] < threshold).mean()

    every = [rates(threshold) for threshold in [*np.unique(nearest), np.inf]]
    identified, alarms = max((found, alarm) for found, alarm in every if alarm <= far)
    return {"far": far, "identified": identified,
            "most_alarms": max(alarm for _, alarm in every if alarm <= far)}


def open_set_case(chance, probes, identities, levels):
    """Distances of probes to three templates of each identity; label -1 is a stranger's."""
    labels = np.where(chance.random(probes) < 0.5, chance.integers(0, identities, probes), -1)
    templates = np.repeat(np.arange(identities), 3)
    whole = chance.normal(2.2, 0.5, (probes, templates.size))
    whole[templates[None] == labels[:, None]] -= 0.9
    whole = np.clip(np.round(whole * levels), 0, 4 * levels).astype(int) * (UNIT // levels)
    each = np.stack([whole[:, templates == i].min(1) for i in range(identities)], 1)
    nearest, second = np.partition(each, 1, 1)[:, :2].T
    known = labels >= 0
    right = known & (each[np.arange(probes), labels] == nearest)
    threshold = int(np.median(nearest))
    found = right & (nearest < second)
    return {"labels": labels.tolist(), "identities": templates.tolist(),
            "distances": whole.ravel().tolist(), "threshold": threshold,
            "rank1": found[known].mean(),
            "fnir": 1 - (found & (nearest < threshold))[known].mean(),
            "fpir": (nearest < threshold)[~known].mean(),
            "at_far": [open_set(nearest, second, right, known, far)
                       for far in (0.0, 0.01, 0.1, 0.29, 0.5, 1.0)]}


def main():
    chance = np.random.default_rng(20261128)
    sections = {
        "unit": UNIT,
        "verification": [
            verification_case(chance, 150, 300, 3000, 0.2, 1024),
            verification_case(chance, 40, 400, 400, 0.3, 1024),
            verification_case(chance, 60, 500, 150, 0.3, 16),
            verification_case(chance, 30, 80, 70, 0.6, 2),
        ],
        "retrieval": [
            retrieval_case(chance, [12, 9, 7, 5, 2, 1, 1, 3], 40),
            retrieval_case(chance, [4] * 9 + [1] * 3, 2),
            retrieval_case(chance, [3, 2, 1], 1),
        ],
        "open_set": [
            open_set_case(chance, 300, 5, 1024),
            open_set_case(chance, 200, 4, 4),
        ],
    }
    lines = [f"{json.dumps(name)}: " + (str(cases) if name == "unit" else "[\n" + ",\n".join(
        json.dumps(case, separators=(",", ":")) for case in cases) + "\n]")
        for name, cases in sections.items()]
    OUTPUT.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
