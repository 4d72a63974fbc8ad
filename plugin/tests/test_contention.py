"""No board is ever open twice: a referee at the ports' far ends sees every client of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyhil.benchmarks.contention import Referee, crowd, opened, sessions, touch
from tinyhil.device.lock import FOLDER_VARIABLE


def test_the_referee_sees_a_second_client(tmp_path: Path) -> None:
    with Referee(tmp_path, 2) as referee:
        one, other = map(str, referee.ports)
        touch(one)
        with opened(one), opened(other):
            assert not referee.twice
            with opened(one):
                pass
        touch(one)
        assert (referee.uses, referee.twice) == (5, [one])


@pytest.mark.long
def test_two_sessions_never_have_one_board_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "locks"))
    with Referee(tmp_path, 2) as referee:
        ended = sessions(referee, tmp_path, workers=2)
        assert [(code, "8 passed" in text) for code, text in ended] == [(0, True)] * 2, ended
        assert (referee.uses, referee.twice) == (16, [])


def test_users_that_are_killed_leave_their_boards_to_others(tmp_path: Path) -> None:
    with Referee(tmp_path, 2) as referee:
        assert crowd(referee, tmp_path, users=4, times=5, common_locks=True) == (4, 4)
        assert (referee.uses, referee.twice) == (22, [])
