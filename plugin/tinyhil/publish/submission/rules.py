"""The rules of a submission that figures can be checked against; a check and an export share them.

Source: the rules of MLPerf Tiny and of MLPerf Inference (single stream).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.rules import PERFORMANCE_INPUTS, RUNNERS, STREAMING, Round, Rules
from tinyhil.catalog.task import Task
from tinyhil.publish.submission.labels import SampleList, list_of, official_lists

LENGTH = Rules()

PHYSICAL = "figures of a submission come from physical hardware, never from an emulator"
CLOSED_MODEL = "the closed division uses the pinned official model"
OFFICIAL_DATA = "both divisions use the official data set"
WHOLE_SET = "accuracy is measured on every sample, and on every window for anomaly detection"
WINDOWS = (
    f"throughput and energy: {PERFORMANCE_INPUTS} different inputs, each for at least "
    f"{LENGTH.window_s:g} s and {LENGTH.window_inferences} inferences by the device's clock"
)
SINGLE_STREAM = (
    f"latency: at least {LENGTH.queries} single queries and {LENGTH.single_stream_s:g} s"
)
TARGET = "the closed division has a quality target for each task"
OPEN_MODEL = "an open row shows its model and the model's accuracy"
SYSTEM = "the system's description names what the results table shows"
BOTH_TESTS = "a task is submitted with its accuracy and its performance"
ONE_SYSTEM = "all results of a system come from one board, one model a task and one firmware"
EVIDENCE = "every figure follows from the raw answers"
STATUS = "the category is one of Available, Preview and RDI"
SAME_CODE = "the same code runs in all tests, so a sample has one answer"
STREAMED = (
    f"streaming wake word: at most {STREAMING.false_positives} false positives and "
    f"{STREAMING.false_negatives} false negatives"
)
STREAMED_ENERGY = "streaming wake word is submitted with its energy session"
LARGE = "ic2 is submitted only beside ic of the same system"
RUNNER = "; ".join(runner.rule for runner in RUNNERS.values())


def runner_problem(name: str, task: Task, round_: Round | None) -> str:
    """Why a session of this runner may not be submitted; empty where it may.

    Args:
        name: of the runner, see `catalog.rules.RUNNERS`; another one is never permitted.
        task: that it ran.
        round_: of the submission; None is the next one.
    """
    runner = RUNNERS.get(name)
    if runner is None:
        return f"the session is {name}'s, not one of an official runner's"
    if task.name in runner.never:
        return f"{name}'s runner does not know this task"
    if runner.last is not None and (round_ is None or round_ > runner.last):
        return f"the session is of {name}'s runner, permitted up to v{runner.last}"
    if round_ is not None and round_ < runner.first:
        return f"the session is of {name}'s runner, permitted since v{runner.first}"
    return ""


def window_problems(windows: Sequence[tuple[str, int, float]]) -> list[str]:
    """What is short in performance windows, each a sample, a count and seconds."""
    problems = []
    for number, (name, count, seconds) in enumerate(windows, start=1):
        if seconds < LENGTH.window_s:
            problems.append(f"window {number} ({name or '?'}) lasts {seconds:.3f} s")
        if count < LENGTH.window_inferences:
            problems.append(f"window {number} ({name or '?'}) has {count} inferences")
    inputs = {name for name, _, _ in windows}
    if len(inputs) < PERFORMANCE_INPUTS:
        problems.append(f"{len(windows)} windows, {len(inputs)} different inputs")
    return problems


def single_stream_problems(queries: Sequence[tuple[str, float]]) -> list[str]:
    """What is short in single queries, each a sample and seconds."""
    problems = []
    if len(queries) < LENGTH.queries:
        problems.append(f"{len(queries)} queries")
    seconds = sum(time for _, time in queries)
    if seconds < LENGTH.single_stream_s:
        problems.append(f"queries of {seconds:.3f} s in all")
    return problems


def sample_problems(
    task: Task, inferences: Mapping[str, int], wanted: SampleList | None = None
) -> list[str]:
    """What an accuracy session lacks of a list, by the number of inferences a sample.

    Args:
        task: that it ran.
        inferences: how many of each sample.
        wanted: the list; None stands for the official one that the samples are of, else the first.
    """
    lists = official_lists(task)
    wanted = wanted or list_of(task, inferences) or lists[0]
    missing = wanted.samples - inferences.keys()
    unknown = inferences.keys() - wanted.samples
    windows = len(task.input.windows(bytes(task.input.bytes)))
    short = sum(inferences[name] < windows for name in inferences.keys() & wanted.samples)
    several = [name for name, count in inferences.items() if count > windows]
    problems = []
    if wanted.mixed:
        each = [f"{count} are of the {name} alone" for name, count in wanted.mixed.items()]
        problems.append(f"samples of several lists: {', '.join(each)}")
    elif missing:
        of = f" of the {wanted.name}" if wanted.name else ""
        problems.append(f"{len(missing)} of {len(wanted.samples)} samples{of} are missing")
    if unknown:
        problems.append(f"{len(unknown)} samples are not of the official set")
    if short:
        problems.append(f"{short} samples lack some of their {windows} windows")
    if several:
        problems.append(f"{len(several)} samples were inferred more than {windows} times")
    return problems


def target_problems(task: Task, top1: float | None, auc: float | None) -> list[str]:
    """Quality targets that are missed; both figures as shares."""
    metrics: dict[Metric, float | None] = {"top1": top1, "auc": auc}
    problems = []
    for metric, limit in task.targets.items():
        value = metrics.get(metric)
        if value is not None and _missed(limit, value):
            bound = limit.max if limit.min is None else limit.min
            problems.append(f"{metric} is {value:.6g}, the target {bound:g}")
    return problems


def _missed(limit: Limit, value: float) -> bool:
    below = limit.min is not None and value < limit.min
    return below or (limit.max is not None and value > limit.max)
