"""Quality: each sample of the data set inferred once, and what proves the answers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from tinyhil.catalog.task import Task, Window
from tinyhil.data.material import Sample
from tinyhil.device.inference import Inference
from tinyhil.device.protocol.mistakes import decimal_commas
from tinyhil.device.queries import Queries
from tinyhil.ground.errors import DeviceError
from tinyhil.ground.progress import Progress
from tinyhil.measure.draws import Draws
from tinyhil.measure.witness import Proof, Witness
from tinyhil.record.rows import Accuracy, Keep, Row, accuracy_of, plain


def accuracy(
    queries: Queries,
    task: Task,
    samples: Sequence[Sample],
    keep: Keep,
    progress: Progress,
    *,
    all_windows: bool = True,
    proof: Proof | None = None,
    done: Sequence[Row] = (),
) -> Accuracy:
    """Infer each sample once; where a sample holds several windows, each of them.

    Args:
        queries: the way to ask the device.
        task: whose windows and results are expected.
        samples: in the order to send them.
        keep: see `Keep`.
        progress: in samples.
        all_windows: see `Input.windows`.
        proof: how its answers are proved; None: not at all.
        done: rows of a run that died: of the samples before these.

    Raises:
        LinkError, DeviceError: see `Queries`.
    """
    rows: list[Row] = []
    witness = Witness(queries, keep, proof, done=done)
    windows = [task.input.windows(sample.data, all_windows=all_windows) for sample in samples]
    canaries = changed(task, windows, proof.draws, len(plain(done))) if proof else {}
    witness.foresee(list(canaries.values()))
    inferred = queries.each(
        window
        for number, own in enumerate(windows)
        for window in (*own, *([Window(canaries[number], 0)] if number in canaries else []))
    )
    for number, (sample, own) in enumerate(zip(samples, windows, strict=True)):
        answers: list[Inference] = []
        for answer in islice(inferred, len(own)):
            _check_results(sample, answer, task.results)
            answers.append(answer)
            progress(len(rows) + len(answers) / len(own), len(samples))
        row = {
            "sample": sample.name,
            "label": sample.label,
            "scores": [answer.scores for answer in answers],
            "stamps_us": [(answer.start_us, answer.end_us) for answer in answers],
        }
        keep(row)
        rows.append(row)
        for answer in islice(inferred, int(number in canaries)):
            witness.saw("canary", sample.name, answer, canaries[number])
    _ask_again(witness, samples, canaries)
    witness.compare(windows, rows)
    witness.close()
    return accuracy_of(rows)


def changed(
    task: Task, windows: Sequence[Sequence[Window]], draws: Draws, first: int = 0
) -> dict[int, bytes]:
    """Changed windows, by the place of the sample that each one is asked behind.

    Args:
        task: whose encoding they have.
        windows: of the samples from the place `first` of the whole set on.
        draws: of the measure.
        first: see `windows`.
    """
    found = {}
    for place in sorted(draws.changed_samples(first + len(windows))):
        if place >= first:
            chosen = draws.about("window", place).choice(windows[place - first])
            found[place - first] = draws.canary(task, chosen.data, place)
    return found


def _ask_again(witness: Witness, samples: Sequence[Sample], canaries: dict[int, bytes]) -> None:
    """The same changed inputs, in another order."""
    if witness.proof is None or not canaries:
        return
    order = witness.proof.draws.shuffled(list(canaries))
    answers = witness.queries.each(Window(canaries[place], 0) for place in order)
    for place, answer in zip(order, answers, strict=True):
        witness.saw("canary", samples[place].name, answer, canaries[place])


def _check_results(sample: Sample, inference: Inference, results: int) -> None:
    if len(inference.scores) != results:
        hint = "the firmware was built for another model, or prints more than the scores"
        if not inference.scores:
            hint = "the firmware prints nothing between the brackets: look at its th_results"
        elif decimal_commas(inference.scores, results):
            hint = (
                "the firmware prints decimal commas, so that each score is read as two numbers: "
                "let it print a point (its locale, or the format that it writes scores by)"
            )
        raise DeviceError(
            f"{sample.name}: {len(inference.scores)} results came, the task has {results}",
            hint=hint,
        )
