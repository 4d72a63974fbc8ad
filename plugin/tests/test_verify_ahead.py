"""Verifying a conversation in which commands were sent ahead of answers."""

from __future__ import annotations

from tinyhil.judge.verify.answers import Device, digest_of
from tinyhil.judge.verify.conversation import Heard
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.matching import Claim, Matching
from tinyhil.judge.verify.text import Text


def infer(at_us: int) -> bytes:
    return (
        f"m-warmup-start-0\r\nm-warmup-done\r\nm-infer-start-1\r\nm-lap-us-{at_us}\r\n"
        f"m-lap-us-{at_us + 500}\r\nm-infer-done\r\nm-results-[0.500,0.500]\r\nm-ready\r\n"
    ).encode()


LOAD = b"m-[Expecting 2 bytes]\r\nm-ready\r\nm-load-done\r\nm-ready\r\n"


def heard() -> tuple[Text, Findings]:
    """Two samples, the second one begun behind the first one's inference; then one alone."""
    findings = Findings()
    text = Text("raw.log", findings)
    for command in (b"db load 2%", b"db 0102%", b"infer 1 0%", b"db load 2%"):
        text.sent(1, command)
    text.came(2, LOAD + infer(1000))
    for command in (b"db 0304%", b"infer 1 0%"):
        text.sent(3, command)
    text.came(4, LOAD + infer(2000))
    text.sent(5, b"infer 1 0%")
    text.came(6, infer(3000))
    return text, findings


def test_an_answer_is_of_the_sample_before_it_though_the_next_one_was_begun() -> None:
    text, findings = heard()
    first, second, third = text.answers
    assert [first.digest, second.digest] == [digest_of(b"\1\2"), digest_of(b"\3\4")]
    assert (first.timed, second.timed, third.timed) == (False, True, True)
    assert not findings.all


def test_a_time_in_which_something_was_sent_is_no_latency() -> None:
    text, findings = heard()
    matching = Matching(Heard(tuple(text.answers), Device(), (), 0, (), 0), 10**6, findings)
    matching.match(
        "rows",
        [Claim("rows", line, "s", 0, us, us + 500, 1, duration_us=500)
         for line, us in ((1, 1000), (2, 2000), (3, 3000))],
    )  # fmt: skip
    (found,) = findings.all
    assert "no latency" in str(found)
    assert len(matching.used) == 2
