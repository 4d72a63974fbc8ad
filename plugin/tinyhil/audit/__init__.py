"""Audits: whether a device measures what it claims to. Each is a measure that ends in a verdict.

They ask as any measure does, by `Queries`, and object to what no honest device does. What they
can't see: a cheat that costs exactly the time of an honest inference and answers as one, and a
partial cache that saves less than the margins. Rules that are cited without a name are those of
MLPerf Tiny, https://github.com/mlcommons/tiny, benchmark/MLPerfTiny_Rules.adoc.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tinyhil.audit.asking import Asker
from tinyhil.audit.caching import caching
from tinyhil.audit.clock import clock
from tinyhil.audit.count import count
from tinyhil.audit.dependence import dependence
from tinyhil.audit.order import order
from tinyhil.audit.performance import performance
from tinyhil.audit.report import Objection, Report
from tinyhil.audit.setting import QUICK, Rules, Setting
from tinyhil.facts import Limit

__all__ = ["AUDITS", "QUICK", "Asker", "Audit", "Objection", "Report", "Rules", "Setting"]


@dataclass(frozen=True)
class Audit:
    """A kind of audit."""

    title: str
    run: Callable[[Asker, Setting], Report]
    rule: str
    """What is disallowed, and by whom."""

    @property
    def limit(self) -> Limit:
        """Of its metric, which is the number of objections."""
        return Limit(max=0, source=self.rule)


_RULES = "MLPerf Tiny rules"

AUDITS: Mapping[str, Audit] = {
    "clock": Audit("audit of the clock", clock, "times are those of a clock that runs right"),
    "caching": Audit(
        "audit of caching", caching, f"{_RULES}: caching queries or responses is disallowed"
    ),
    "performance": Audit(
        "audit of answers in performance runs",
        performance,
        f"{_RULES}: the same code must run for accuracy and for performance",
    ),
    "order": Audit(
        "audit of order and unseen samples",
        order,
        f"{_RULES}: optimization based on the input is not allowed",
    ),
    "count": Audit(
        "audit of the number of queries",
        count,
        f"{_RULES}: hard coding the total number of queries is disallowed",
    ),
    "dependence": Audit(
        "audit of dependence on the input",
        dependence,
        f"{_RULES}: a result comes from the model and the input",
    ),
}
"""By name; the metric of each is ``audit_<name>``."""
