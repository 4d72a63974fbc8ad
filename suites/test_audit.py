"""Audits: whether the device measures what it claims to. They take minutes on silicon, so they
run only when asked for, with ``-m audit``."""

from __future__ import annotations

import pytest

from tinyhil import Measurement, Metric

pytestmark = [
    pytest.mark.audit,
    pytest.mark.skipif("'audit' not in config.option.markexpr", reason="runs with -m audit"),
]


def check(measurement: Measurement, audit: Metric) -> None:
    """Fail with what the audit saw, what it allows, and the next step."""
    verdict = measurement.judge(audit)
    assert verdict, f"{verdict}\n{measurement.outcome(audit).finding.result}"


def test_the_form_of_the_measures_changes_nothing(measurement: Measurement) -> None:
    check(measurement, "audit_measures")


def test_the_clock_keeps_the_hosts_time(measurement: Measurement) -> None:
    check(measurement, "audit_clock")


def test_a_repeated_input_costs_as_much_as_a_fresh_one(measurement: Measurement) -> None:
    check(measurement, "audit_caching")


def test_performance_runs_answer_as_accuracy_runs(measurement: Measurement) -> None:
    check(measurement, "audit_performance")


def test_order_and_unseen_samples_change_nothing(measurement: Measurement) -> None:
    check(measurement, "audit_order")


def test_the_number_of_queries_changes_nothing(measurement: Measurement) -> None:
    check(measurement, "audit_count")


def test_results_depend_on_the_input(measurement: Measurement) -> None:
    check(measurement, "audit_dependence")
