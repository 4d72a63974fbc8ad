"""Audits: whether a device measures what it claims to. Each is a measure that ends in a verdict.

They ask as any measure does, by `Queries`, and judge from the rows that they kept. They object to
what no honest device does. What they can't see: a cheat that costs exactly the time of an honest
inference and answers as one, and a partial cache that saves less than the margins. Rules that are
cited without a name are those of MLPerf Tiny, https://github.com/mlcommons/tiny,
benchmark/MLPerfTiny_Rules.adoc.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tinyhil.catalog.facts import Limit
from tinyhil.measure.audit import again, caching, clock, count, dependence, order, performance
from tinyhil.measure.audit.answers import Attempt
from tinyhil.measure.audit.asking import Asker
from tinyhil.measure.audit.report import Objection, Report
from tinyhil.measure.audit.setting import EMULATED, QUICK, Rules, Setting
from tinyhil.record.rows import Row

__all__ = ["AUDITS", "QUICK", "Asker", "Audit", "Objection", "Report", "Rules", "Setting", "rules"]


@dataclass(frozen=True)
class Audit:
    """A kind of audit."""

    title: str
    _ask: Callable[[Asker, Setting], None]
    _judge: Callable[[Attempt], Report]
    rule: str
    """What is asked for, and by whom."""

    @property
    def limit(self) -> Limit:
        """Of its metric, which is the number of objections."""
        return Limit(max=0, source=self.rule)

    def ask(self, asker: Asker, setting: Setting) -> None:
        """Ask the device; the rows go where the asker keeps them.

        Raises:
            DataError: the data set is too small.
            LinkError, DeviceError: see `Queries`.
        """
        asker.begin(setting.heading())
        self._ask(asker, setting)

    def report(self, rows: Sequence[Row]) -> Report:
        """Judge the rows of the last attempt, and nothing else.

        Raises:
            DataError: there is none.
        """
        return self._judge(Attempt.last(rows))


def rules(*, emulated: bool, quick: bool) -> Rules:
    """How much to ask a device of this kind."""
    if quick:
        return QUICK
    return EMULATED if emulated else Rules()


_RULES = "MLPerf Tiny rules"

AUDITS: Mapping[str, Audit] = {
    "measures": Audit(
        "audit of the measures themselves",
        again.ask,
        again.judge,
        f"{_RULES}: benchmark detection is not allowed",
    ),
    "clock": Audit(
        "audit of the clock",
        clock.ask,
        clock.judge,
        "a figure is only as good as the clock that measured it",
    ),
    "caching": Audit(
        "audit of caching",
        caching.ask,
        caching.judge,
        f"{_RULES}: caching queries or responses is disallowed",
    ),
    "performance": Audit(
        "audit of answers in performance runs",
        performance.ask,
        performance.judge,
        f"{_RULES}: the same code must run for accuracy and for performance",
    ),
    "order": Audit(
        "audit of order and unseen samples",
        order.ask,
        order.judge,
        f"{_RULES}: optimization based on the input is not allowed",
    ),
    "count": Audit(
        "audit of the number of queries",
        count.ask,
        count.judge,
        f"{_RULES}: hard coding the total number of queries is disallowed",
    ),
    "dependence": Audit(
        "audit of dependence on the input",
        dependence.ask,
        dependence.judge,
        f"{_RULES}: results come from the model and the input",
    ),
}
"""By name; the metric of each is ``audit_<name>``. The first one begins with samples alone."""
