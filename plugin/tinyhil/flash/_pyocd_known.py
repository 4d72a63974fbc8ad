"""What pyOCD knows before it connects: the probes that are there, and the types of target."""

from __future__ import annotations

from pyocd.probe.aggregator import DebugProbeAggregator
from pyocd.target import TARGET, normalise_target_type_name
from pyocd.target.pack import pack_target

from tinyhil.catalog.board import Board
from tinyhil.flash import FoundProbe
from tinyhil.ground.errors import ConfigError


def probes() -> tuple[FoundProbe, ...]:
    """Every probe that pyOCD may open."""
    return tuple(
        FoundProbe(
            probe.unique_id,
            probe.description,
            (probe.associated_board_info.target or "") if probe.associated_board_info else "",
            probe.vendor_name == "tinyhil",
        )
        for probe in DebugProbeAggregator.get_all_connected_probes()
    )


def where_target_is_from(board: Board) -> str:
    """In words; see `flash.where_target_is_from`."""
    target, pack = normalise_target_type_name(board.flash.target), board.flash.pack
    if target in TARGET:
        return "built into pyOCD"
    if pack:
        try:
            pack_target.PackTargets.populate_targets_from_pack(pack)
        except Exception as error:  # Of zipfile, XML and pyOCD: whatever a wrong pack makes of it.
            raise ConfigError(
                f"the CMSIS pack '{pack}' cannot be read: {error}",
                hint="correct 'flash.pack', or fetch the pack again",
            ) from error
        if target in TARGET:
            return f"of the pack {pack}"
    else:
        pack_target.ManagedPacks.populate_target(target)
        if target in TARGET:
            return "of a pack that pyOCD has installed"
    raise ConfigError(
        f"pyOCD does not know the target '{target}'{f' of {pack}' if pack else ''}",
        hint=f"`pyocd pack install {target}` gets its CMSIS pack once; or correct 'flash.target' "
        "in the board's file: `pyocd list --targets` shows what is built in",
    )
