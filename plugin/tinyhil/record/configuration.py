"""What a run is asked to do: a resumed run must be asked to do the same."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.text import printable


class Configuration(BaseModel):
    """The options that a run's figures depend on."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    station: str
    board: str
    """Type of the station's board."""
    tasks: tuple[str, ...] = ()
    """Sorted."""
    link: str = "auto"
    """As the user gave it."""
    quick: bool = False
    all_windows: bool = False
    read_back: Annotated[float, Field(ge=0, le=1)] = 0.0
    faults: str | None = None
    own_firmware: bool = False
    """Whether the user brought the image."""
    models: dict[str, str] = {}
    """File names of the user's own models, by task."""

    def refuse_unless(self, recorded: Configuration, folder: Path) -> None:
        """Check that a run which was started with `recorded` may be continued with this one.

        Raises:
            ConfigError: something differs; the text names it, and the right options.
        """
        now, then = self.model_dump(), recorded.model_dump()
        differences = [
            f"{name} is {shown(now[name])}, the run's is {shown(then[name])}"
            for name in now
            if now[name] != then[name]
        ]
        if differences:
            raise ConfigError(
                f"{folder} cannot be resumed like this: {'; '.join(differences)}",
                hint=f"the run's own options are: {recorded.command(folder)}",
            )

    def command(self, folder: Path) -> str:
        """The command that continues a run of this configuration."""
        words = ["pytest", "suites", "--hil-resume", str(folder), "--hil-board", self.station]
        words += ["-k", " or ".join(self.tasks)] if self.tasks else []
        words += ["--hil-link", self.link]
        words += ["--hil-quick"] * self.quick + ["--hil-all-windows"] * self.all_windows
        words += ["--hil-read-back", f"{self.read_back:g}"]
        words += ["--hil-faults", self.faults] if self.faults else []
        words += ["--hil-firmware", "ELF"] * self.own_firmware
        for task, name in self.models.items():
            words += ["--hil-model", f"{task}={name}"]
        return " ".join(shlex.quote(word if word == str(folder) else printable(word))
                        for word in words)  # fmt: skip


def shown(value: object) -> str:
    """A value of a configuration in an error's text."""
    if isinstance(value, dict):
        value = [f"{key}={item}" for key, item in value.items()]
    if isinstance(value, tuple | list):
        return printable(" ".join(map(str, value))) or "none"
    words = {True: "on", False: "off", None: "none"}
    return words[value] if value is None or isinstance(value, bool) else printable(str(value))
