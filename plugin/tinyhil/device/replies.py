"""What the answers to an upload and to an inference must hold, by the official text protocol."""

from __future__ import annotations

from tinyhil.device import protocol
from tinyhil.device.inference import Inference
from tinyhil.device.protocol import Reply
from tinyhil.ground.errors import LinkError


def upload(sample: bytes, piece_bytes: int) -> list[str]:
    """The commands that put a sample into the input buffer, so many bytes of it in each."""
    return [protocol.db_load(len(sample)), *protocol.db_pieces(sample, piece_bytes)]


def check_upload(reply: Reply, number: int, commands: int, size: int) -> None:
    """See that a command of an upload has arrived.

    Args:
        reply: its answer.
        number: which it is, from 0.
        commands: of the whole upload.
        size: of the sample, in bytes.

    Raises:
        LinkError: it has not; bytes were lost.
    """
    expecting = reply.take(protocol.Expecting) if number == 0 else None
    if expecting and expecting.count != size:
        raise LinkError(
            f"announced {size} bytes, the device expects {expecting.count}",
            hint="a byte of the command was damaged; check the cable, or lower the baud rate",
        )
    if number == commands - 1:
        reply.take(protocol.LoadDone)
    reply.end()


def inference_of(reply: Reply, *, count: int, warm_up: int, stamped: bool = True) -> Inference:
    """What the answer to an ``infer`` says.

    Args:
        reply: the answer.
        count: timed inferences that were asked for.
        warm_up: untimed ones before.
        stamped: whether the device prints its time; else it marks it by a pin, and both times of
            the answer are 0.

    Raises:
        LinkError: it is not the answer to this question.
    """
    warmed_up = reply.take_if(protocol.WarmupStart)
    reply.take_if(protocol.WarmupDone)
    inferred = reply.take(protocol.InferStart)
    start = end = protocol.LapUs(0)
    first_s = second_s = reply.came_s
    if stamped:
        start, first_s = reply.take(protocol.LapUs), reply.came_s
        end, second_s = reply.take(protocol.LapUs), reply.came_s
    reply.take_if(protocol.InferDone)  # It says nothing, and some firmware does not print it.
    # Some firmware prints no scores behind many inferences.
    results = reply.take_if(protocol.Results) if count > 1 else reply.take(protocol.Results)
    reply.end()
    ran = (warmed_up.count if warmed_up else warm_up, inferred.count)
    if ran != (warm_up, count):
        raise LinkError(
            f"asked for {count} inferences after {warm_up} to warm up, the device ran "
            f"{ran[1]} after {ran[0]}",
            hint="a byte of the command was damaged; check the cable, or lower the baud rate",
        )
    scores = results.scores if results else ()
    told_s = (reply.asked_s, first_s, second_s)
    return Inference(count, start.microseconds, end.microseconds, scores, told_s=told_s)
