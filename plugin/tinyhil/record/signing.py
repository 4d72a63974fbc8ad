"""Signatures of seals, by ssh-keygen: the mechanism that git signs commits with, no scheme of ours.

A signature is of the seal, and the seal is of every file; so who signs vouches for the whole run.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tinyhil.ground.errors import BenchError, ConfigError
from tinyhil.ground.files import replace
from tinyhil.ground.text import printable
from tinyhil.record.schema import SEAL, SIGNATURE

NAMESPACE = "run@tinyhil"
"""Keeps a signature from being taken for one of something else, such as of a commit."""

_PROGRAM = "ssh-keygen"
_ANSWER_S = 30.0
_MOST_BYTES = 1 << 16
_KEY = re.compile(rb"key (SHA256:[A-Za-z0-9+/]{43})")


@dataclass(frozen=True)
class Signature:
    """What is known of a seal's signature."""

    text: str
    """In words, such as ``unsigned``."""
    signed: bool = False
    """Whether there is one, and it is of this very seal."""
    wrong: str = ""
    """What is against it, if anything."""


UNSIGNED = Signature("unsigned")


def check_key(key: Path, source: str) -> None:
    """See that a key signs, before anything is measured.

    Args:
        key: as `sign` takes it.
        source: where it is named, for errors.

    Raises:
        ConfigError: it does not.
    """
    try:
        _signature(b"tinyhil", key)
    except BenchError as error:
        raise ConfigError(f"{source}: {error.message}", hint=error.hint) from error


def sign(folder: Path, key: Path) -> Path:
    """Sign a run's seal.

    Args:
        folder: of the run, sealed.
        key: file of a private key without a passphrase, or of a public one whose private key an
            SSH agent has.

    Returns:
        The signature.

    Raises:
        BenchError: the key does not sign, or the signature can't be written; the seal stays.
    """
    replace(folder / SIGNATURE, _signature((folder / SEAL).read_bytes(), key))
    return folder / SIGNATURE


def is_signed(folder: Path) -> bool:
    """Whether a run of this process has been signed; of others `read_signature` tells."""
    return (folder / SIGNATURE).exists()


def read_signature(folder: Path, sealed: str, signers: Path | None = None) -> Signature:
    """Check the signature of a run's seal.

    Args:
        folder: of the run, which may come from anywhere.
        sealed: when, as the seal says: a key must have been valid then.
        signers: file of those who may sign, as of ``ssh-keygen``'s ALLOWED SIGNERS; None: the
            signature is only seen to be of this seal.

    Raises:
        ConfigError: `signers` can't be read, or ssh-keygen is missing.
    """
    if signers is not None and not signers.is_file():
        raise ConfigError(f"{signers}: no such file", hint="name the file of allowed signers")
    path = folder / SIGNATURE
    if not path.exists():
        wrong = "is not there: nobody vouches for this seal" if signers else ""
        return Signature("unsigned", wrong=wrong)
    if path.stat().st_size > _MOST_BYTES:
        return Signature("unsigned", wrong="is too long for a signature")
    seal, place = (folder / SEAL).read_bytes(), str(path.resolve())
    common = ("-n", NAMESPACE, "-s", place)
    try:
        fits = _ask(["check-novalidate", *common], seal)
        found = _KEY.search(fits.stdout)
        if fits.returncode or found is None:
            return Signature("unsigned", wrong="is not a signature of this seal by tinyhil")
        key = found[1].decode()
        if signers is None:
            return Signature(f"signed with the key {key}", signed=True)
        when = f"-Overify-time={_time(sealed)}"
        allowed = str(signers.resolve())
        names = _ask(["find-principals", "-s", place, "-f", allowed, when], b"").stdout
        for name in names.decode(errors="replace").splitlines()[:1]:
            asked = ["verify", *common, "-f", allowed, "-I", name, when]
            if _ask(asked, seal).returncode == 0:
                return Signature(f"signed by {printable(name)}", signed=True)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(
            f"signatures can't be checked: {_PROGRAM}: {error}", hint=_INSTALL
        ) from error
    wrong = f"is of the key {key}, which is none of the allowed signers"
    return Signature(f"signed with the key {key}, which is not allowed", wrong=wrong)


_INSTALL = "install OpenSSH's client (on Debian: apt install openssh-client)"


def _signature(content: bytes, key: Path) -> bytes:
    """The signature of a content.

    Raises:
        BenchError: the key does not sign.
    """
    if not key.is_file():
        raise BenchError(f"{key}: no such file", hint="name the file of an SSH key")
    try:
        done = _ask(["sign", "-f", str(key.resolve()), "-n", NAMESPACE], content)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"{key}: cannot sign: {_PROGRAM}: {error}", hint=_INSTALL) from error
    if done.returncode:
        raise BenchError(
            f"{key}: cannot sign: {printable(done.stderr.strip())}",
            hint="give a private key without a passphrase that only you can read, or the public "
            "one of a key that your SSH agent has",
        )
    return done.stdout


def _ask(arguments: list[str], content: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen, which must not ask anybody for a passphrase."""
    return subprocess.run(
        [_PROGRAM, "-Y", *arguments],
        input=content,
        capture_output=True,
        timeout=_ANSWER_S,
        check=False,
        start_new_session=True,
        env={**os.environ, "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"},
    )


def _time(sealed: str) -> str:
    """As ssh-keygen takes it."""
    try:
        return datetime.fromisoformat(sealed).astimezone(UTC).strftime("%Y%m%d%H%M%SZ")
    except (ValueError, OverflowError):
        return datetime.now(UTC).strftime("%Y%m%d%H%M%SZ")
