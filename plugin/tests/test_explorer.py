"""The page of the results: what is in it, what it may do, and who is on a Pareto front."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tinyhil.cli.main import main
from tinyhil.ground.paths import REPORTS
from tinyhil.judge.verify import trust
from tinyhil.publish.report.html import external_references
from tinyhil.publish.results import rows as rows_of
from tinyhil.publish.results.page import page
from tinyhil.publish.results.rows import Figures, Row
from tinyhil.record.seal import seal

from .explorer_rows import HOSTILE, every_kind
from .rounds import made_up, write_round
from .submission_runs import ACCURACY, THROUGHPUT, Device, write_run

BUNDLE = "console.log('the explorer')\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "explorer.js"
    path.write_text(BUNDLE)
    return path


def embedded(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="rows">([^<]*)</script>', text)
    assert found, text
    return json.loads(found[1])


def test_hostile_rows_are_data_and_the_page_runs_its_own_script_alone(bundle: Path) -> None:
    text = page(every_kind(), bundle.parent, bundle)
    assert text.count("<script") == 2
    assert "<img" not in text
    assert external_references(text) == []
    allowed = base64.b64encode(hashlib.sha256(BUNDLE.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'\"" in text
    rows = embedded(text)["rows"]
    evil = next(row for row in rows if row.get("code"))
    assert evil["device"] == HOSTILE.replace("\u202e", "\\u202e")
    assert len(evil["submitter"]) == 201
    assert rows[-1]["tasks"]["kws01"] == {}


def test_a_page_without_the_bundle_is_the_whole_table_and_says_what_to_install(
    tmp_path: Path,
) -> None:
    rows = every_kind()
    text = page(rows, tmp_path, tmp_path / "none.js")
    assert "<script" not in text
    assert "make setup" in text
    assert text.count("<tr>") == len(rows) + 2
    assert "16,650,000 instr." in text
    assert "CHANGED: it does not agree" in text
    # The same table stands in the explorer's page, for where no script is run.
    (tmp_path / "some.js").write_text(BUNDLE)
    whole = page(rows, tmp_path, tmp_path / "some.js")
    assert text[text.index("<table") : text.index("</table>")] in whole


def test_a_link_to_evidence_is_relative_and_no_name_is_taken_for_a_scheme(bundle: Path) -> None:
    places = ("javascript:alert(1)", "runs/a b\udcff")
    row = Row(device="x", tasks={"kws01": Figures(evidence=places)})
    text = page((row,), Path("out"), bundle)
    links = [entry["href"] for entry in embedded(text)["rows"][0]["tasks"]["kws01"]["evidence"]]
    assert links == ["./../javascript%3Aalert%281%29", "./../runs/a%20b%FF"]


def test_rounds_and_runs_come_together_with_what_is_known_of_their_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_round(tmp_path / "v1.3", made_up(3))
    runs = tmp_path / "runs"
    folders = [
        write_run(runs, ("ic01",), replace(Device(measures=ACCURACY + THROUGHPUT), station=name))
        for name in ("whole", "open", "forged")
    ]
    for folder in (folders[0], folders[2]):
        seal(folder, {})
    record = folders[2] / "record.jsonl"
    record.write_text(
        record.read_text().replace('"throughput_ips": 10.0', '"throughput_ips": 20.0')
    )
    # Made-up runs have no raw bytes: none of them would agree.
    known = {folders[0]: trust.Trust("verified", "signed by a bench")}
    monkeypatch.setattr(
        rows_of, "trust_of", lambda folder: known.get(folder) or trust.trust_of(folder)
    )
    out = tmp_path / "pages" / "results.html"
    arguments = [str(runs), str(tmp_path / "v1.3"), "--format", "html", "--out", str(out)]
    assert main(["results", *arguments]) == 0
    told = embedded_or_none(out)
    rows = {row.get("station", row["device"]): row for row in told["rows"]}
    assert {name: row["record"] for name, row in rows.items()} == {
        "whole": "verified, signed by a bench", "open": "not sealed",
        "forged": "changed", "Board 1": "as claimed",
    }  # fmt: skip
    assert {row["source"] for row in rows.values()} == {"runs", "v1.3"}
    (link,) = rows["whole"]["tasks"]["ic01"]["evidence"]
    assert (out.parent / link["href"]).resolve() == folders[0].resolve()
    assert any("CHANGED, or made up" in remark for remark in told["remarks"])


def embedded_or_none(path: Path) -> Any:
    """The rows in a page that the command made; skips where the bundle is not there."""
    text = path.read_text(encoding="utf-8")
    if 'id="rows"' not in text:
        pytest.skip("needs the explorer's bundle: `make setup` makes it")
    return embedded(text)


def test_every_run_is_a_row_where_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        write_run(tmp_path, ("ic01",), Device(measures=THROUGHPUT))
    counts = []
    for more in ([], ["--every-run"]):
        assert main(["results", str(tmp_path), "--format", "json", *more]) == 0
        counts.append(len(json.loads(capsys.readouterr().out)["rows"]))
    assert counts == [1, 2]


_FRONTS = """
import { fronts } from "./model.js";
let text = "";
for await (const chunk of process.stdin) text += chunk;
const { points, names } = JSON.parse(text);
const ids = ({ front, of }) => [front.map((point) => point.id), of];
const told = [...fronts(points, names)].map(([kind, found]) => [kind, ...ids(found)]);
console.log(JSON.stringify(told));
"""


def fronts(points: list[dict[str, Any]], names: list[str]) -> dict[str, tuple[list[int], int]]:
    """What the explorer's own code finds: by class, who is on the front, and of how many."""
    node = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
    if node is None:
        pytest.skip("needs Node: `make setup` installs it")
    done = subprocess.run(
        [node, "--input-type=module", "-e", _FRONTS],
        cwd=REPORTS / "explorer",
        input=json.dumps({"points": points, "names": names}),
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return {kind: (ids, of) for kind, ids, of in json.loads(done.stdout)}


def test_a_front_is_what_nothing_of_its_class_beats() -> None:
    chance = random.Random(7)  # noqa: S311 - made-up points
    names = ["latency_s", "energy_j", "ram_bytes"]
    points: list[dict[str, Any]] = [
        {
            "id": number,
            "meets": chance.choice((True, True, True, False)),
            "row": {
                "emulated": number % 3 == 0,
                "division": "closed",
                "record": chance.choice(("verified", "verified", "changed")),
            },
            "figures": {name: chance.randint(1, 12) for name in names if chance.random() < 0.95}
            | ({"short": True} if chance.random() < 0.1 else {}),
        }
        for number in range(400)
    ]
    found = fronts(points, names)
    assert set(found) == {"physical, closed", "emulated, closed"}
    for kind, (ids, of) in found.items():
        own = [
            point
            for point in points
            if point["row"]["emulated"] == kind.startswith("emulated")
            and point["row"]["record"] == "verified"
            and point["meets"]
            and "short" not in point["figures"]
            and all(name in point["figures"] for name in names)
        ]
        values = {point["id"]: [point["figures"][name] for name in names] for point in own}
        beaten = {
            one
            for one, other in product(values, values)
            if values[other] != values[one]
            and all(a <= b for a, b in zip(values[other], values[one], strict=True))
        }
        assert of == len(own) > 20
        assert set(ids) == set(values) - beaten
        assert len(beaten) > 10
