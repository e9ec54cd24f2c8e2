"""Counters, gauges and histograms of one process for the hot path: plain numbers, exposed at each scrape.

prometheus_client takes a lock and checks its arguments in each operation. These need no lock: only the
thread of the event loop changes them, and a scrape reads numbers that are each complete. The interface is the
part of prometheus_client's that this project uses.
"""

import math
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Generic, TypeVar

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily


class Count:
    """One series of a counter or gauge."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self) -> None:
        """Add one."""
        self.value += 1

    def dec(self) -> None:
        """Subtract one, from a gauge."""
        self.value -= 1


class Distribution:
    """One series of a histogram: how many values each bucket has, and their sum."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Add one value."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value


Series = TypeVar("Series", Count, Distribution)


class _LocalMetric(ABC, Generic[Series]):
    """The series of a metric, by the values of its labels."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str],
        registry: CollectorRegistry,
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._labelnames = tuple(labelnames)
        self._series: dict[tuple[str, ...], Series] = {}
        registry.register(self)

    def labels(self, *values: str) -> Series:
        """The series with these values of the labels."""
        found = self._series.get(values)
        if found is None:
            found = self._series[values] = self._new()
        return found

    def describe(self) -> Iterator[Metric]:
        """Called by the registry, for the name."""
        return self.collect()

    @abstractmethod
    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each scrape, in another thread."""

    @abstractmethod
    def _new(self) -> Series:
        """A series of which nothing was counted yet."""


class LocalCounter(_LocalMetric[Count]):
    """A counter."""

    _family: ClassVar[type[CounterMetricFamily] | type[GaugeMetricFamily]] = CounterMetricFamily

    def collect(self) -> Iterator[Metric]:
        family = self._family(self._name, self._documentation, labels=self._labelnames)
        for values, series in self._series.copy().items():
            family.add_metric(values, series.value)
        yield family

    def _new(self) -> Count:
        return Count()


class LocalGauge(LocalCounter):
    """A gauge."""

    _family = GaugeMetricFamily


class LocalHistogram(_LocalMetric[Distribution]):
    """A histogram with these upper bounds of its buckets, in ascending order."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str],
        registry: CollectorRegistry,
        buckets: Sequence[float],
    ) -> None:
        self._bounds = [*buckets]
        super().__init__(name, documentation, labelnames, registry)

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labelnames)
        for values, series in self._series.copy().items():
            family.add_metric(values, [*self._cumulative(series.counts.copy())], series.total)
        yield family

    def _new(self) -> Distribution:
        return Distribution(self._bounds)

    def _cumulative(self, counts: Sequence[int]) -> Iterator[tuple[str, float]]:
        """How many values are at most each bound."""
        until = 0
        for bound, count in zip((*self._bounds, math.inf), counts, strict=True):
            until += count
            yield "+Inf" if bound == math.inf else str(float(bound)), until
