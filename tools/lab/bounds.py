# SPDX-License-Identifier: MIT
"""How far a figure can be from the truth by chance alone."""
import math

NORMAL_975 = 1.959963984540054  # quantile of the normal distribution


def wilson(found, tried, z=NORMAL_975):
    """Wilson's interval (1927) for a share: (low, high), 95 % unless z says otherwise."""
    if not tried:
        return 0.0, 1.0
    share = found / tried
    middle = share + z * z / (2 * tried)
    half = z * math.sqrt(share * (1 - share) / tried + z * z / (4 * tried * tried))
    scale = 1 + z * z / tried
    # The ends are exact; rounding must not say 1e-17 there.
    low = 0.0 if found == 0 else (middle - half) / scale
    high = 1.0 if found == tried else (middle + half) / scale
    return low, high


def poisson_cdf(count, mean):
    """P(X <= count): summed down from the largest term, so that nothing underflows."""
    if mean <= 0:
        return 1.0
    top = min(count, int(mean))
    largest = term = math.exp(top * math.log(mean) - mean - math.lgamma(top + 1))
    total = term
    for k in range(top, 0, -1):
        term *= k / mean
        total += term
        if term < total * 1e-17:
            break
    term = largest
    for k in range(top + 1, count + 1):
        term *= mean / k
        total += term
        if term < total * 1e-17:
            break
    return min(total, 1.0)


def poisson_upper(count, confidence=0.95):
    """
    The exact upper bound (Garwood 1936) for the mean of a Poisson variable of which
    `count` were seen: a larger one would have shown so few with less than 5 %. Half the
    chi-square quantile of 2 count + 2 degrees. One-sided: 2.996 where nothing was seen.
    """
    low, high = float(count), count + 10.0 + 10.0 * math.sqrt(count + 1.0)
    for _ in range(200):
        middle = (low + high) / 2
        if poisson_cdf(count, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def median(values):
    """None where there are none."""
    ordered = sorted(values)
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
