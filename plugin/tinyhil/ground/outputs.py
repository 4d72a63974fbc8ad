"""Files and folders that a user names to be written: checked before anything is done for them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.files import replace, unwritable, writing_to


def check_folder(folder: Path, option: str) -> None:
    """Refuse an output folder that can't be made or written; nothing is made.

    Args:
        folder: it and its parents may be missing.
        option: that names it, for the message.

    Raises:
        ConfigError: something else is there, or it can't be written.
    """
    _check(folder, folder, option)


def check_file(path: Path, option: str) -> None:
    """Refuse an output file that can't be written; nothing is made.

    Args:
        path: may be there, and is overwritten then.
        option: that names it, for the message.

    Raises:
        ConfigError: it is a folder, or its folder can't be made or written.
    """
    if path.is_dir():
        raise _refused(option, path, "it is a folder, not a file")
    if path.is_symlink() and not path.exists():
        raise _refused(option, path, "it is a link to a place that does not exist")
    if path.exists() and not path.is_file():
        return  # a device or a pipe, such as /dev/stdout
    _check(path, path.parent, option)


def write_text(path: Path, text: str) -> None:
    """Write a file that a user has named, and its folders; completely, or the old one stays.

    Raises:
        WriteError: it can't be written.
    """
    with writing_to(path):
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # Through a link: the file behind it is what the user wants written.
        replace(path.resolve(), text.encode())


def _check(path: Path, folder: Path, option: str) -> None:
    """Refuse `path` if nothing can be made in `folder`, or `folder` can't be made itself."""
    there = folder
    while not there.is_dir():
        if there.is_symlink():
            raise _refused(option, path, f"{there} is a link to a place that does not exist")
        if there.exists():
            raise _refused(option, path, f"{there} is a file, not a folder")
        there = there.absolute().parent
    try:
        # The disk itself is asked: permissions say nothing for root, or about a full disk.
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(bytes(4096))
            probe.flush()
    except OSError as error:
        hint = unwritable(there, error).hint
        raise _refused(option, path, f"{there}: {error.strerror}", hint) from error


def _refused(option: str, path: Path, why: str, hint: str = "choose another place") -> ConfigError:
    return ConfigError(f"option {option}: {path} cannot be written: {why}", hint=hint)
