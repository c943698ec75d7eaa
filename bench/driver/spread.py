"""Medians with their spread, and how figures are written."""

from dataclasses import dataclass
from statistics import median


def quantile(values, part):
    ordered = sorted(values)
    at = part * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


@dataclass
class Spread:
    """A median between its quartiles."""

    median: float
    low: float
    high: float
    count: int

    @property
    def percent(self):
        """Half of the distance between the quartiles, of the median."""
        return 100 * (self.high - self.low) / 2 / self.median if self.median else 0.0


def spread(values):
    values = list(values)
    return Spread(median(values), quantile(values, 0.25), quantile(values, 0.75), len(values))


def number(value):
    """Three digits that count."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 99.95:
        return f"{value:.0f}"
    if size >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.0995 else f"{value:.4f}"
