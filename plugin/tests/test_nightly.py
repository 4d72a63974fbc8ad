"""The recipe of a night, with programs that stand for pytest and tinyhil."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tinyhil.ground.deadline import Deadline

SCRIPT = Path(__file__).parents[2] / "docs" / "recipes" / "nightly.sh"

_PYTEST = """\
#!/bin/sh
trap 'echo sealed > ended; exit 2' TERM
for word; do [ "$last" = --hil-summary ] && summary=$word; last=$word; done
mkdir -p runs/20260102T030405.000000Z_report
echo "$*" > arguments
echo "### tinyhil: a night" > "$summary"
echo $$ > pid
[ -z "$STATUS" ] && while :; do sleep 0.05; done
exit "$STATUS"
"""


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a night, where programs are found that only tell how they were called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("pytest", _PYTEST), ("tinyhil", '#!/bin/sh\necho "$*"\n')):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("RUNS", "runs")
    monkeypatch.setenv("BOARDS", "l4-*")
    for name in ("GITHUB_STEP_SUMMARY", "BASELINE", "OPTIONS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def started(night: Path, status: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "STATUS": status}
    return subprocess.Popen(["sh", str(SCRIPT)], cwd=night, env=environment)


def test_a_night_that_is_ended_ends_its_tests_and_still_tells(night: Path) -> None:
    """A time limit ends the shell alone: the boards must not stay in use."""
    process, deadline = started(night, ""), Deadline.after(60)
    while not (night / "pid").is_file() or not (night / "pid").read_text():
        assert not deadline.expired
        deadline.pause(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 2
    assert (night / "ended").read_text() == "sealed\n"
    text = (night / "summary.md").read_text()
    assert text.startswith("### tinyhil: a night\n- Not all was tested: pytest ended with status 2")
    assert "runs prune runs --days 30 --remove" in (night / "pruned.txt").read_text()


def test_a_night_tells_that_nothing_was_gated_and_keeps_its_own_pages_only(night: Path) -> None:
    (night / "runs" / "20250102T030405.000000Z_report").mkdir(parents=True)
    (night / "summary.md").write_text("of another night")
    (night / "pages").mkdir()
    assert started(night, "1").wait(60) == 1
    assert (night / "pages").is_dir(), "a folder of the user's repository"
    text = (night / "summary.md").read_text()
    assert text == (
        "### tinyhil: a night\n- Nothing was gated: there is no reports/baselines/night.json\n"
    )
    assert (night / "night-pages").is_dir()
    assert "--hil-baseline" not in (night / "arguments").read_text()
    (night / "reports" / "baselines").mkdir(parents=True)
    (night / "reports" / "baselines" / "night.json").write_text("{}")
    assert started(night, "0").wait(60) == 0
    assert "gated" not in (night / "summary.md").read_text()
    for name in ("arguments", "pruned.txt"):
        assert "baseline reports/baselines/night.json" in (night / name).read_text()
