from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from seq2data.workers.wire.channel import Channel, pair

LARGE = bytes(range(256)) * 8192  # 2 MB, more than any socket holds


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    mine, theirs = pair()
    with closing(mine), closing(Channel(theirs)) as other:
        yield mine, other


@pytest.fixture
def dribble() -> Iterator[tuple[Channel, socket.socket]]:
    """A channel, and a plain socket to give it bytes as the test likes."""
    mine, theirs = pair()
    with closing(mine), theirs:
        yield mine, theirs


def frame_of(message: Any) -> bytes:
    """The bytes that a message is on the socket."""
    channel, theirs = pair()
    with theirs:
        with closing(channel):
            channel.send(message)
        parts = iter(lambda: theirs.recv(1 << 16), b"")
        return b"".join(parts)


def sent_by_thread(channel: Channel, message: Any, *descriptors: int) -> Any:
    thread = threading.Thread(target=channel.send, args=(message, descriptors))
    thread.start()
    return thread


def named_pipe(stack: ExitStack, text: bytes) -> int:
    """A descriptor from which `text` can be read; closed by the stack."""
    reader, writer = os.pipe()
    stack.callback(os.close, reader)
    os.write(writer, text)
    os.close(writer)
    return reader


def read_and_close(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        return file.read()


@pytest.mark.parametrize("message", [None, 7, "text", {"a": [1, (2, 3)]}, b"", LARGE])
def test_message_arrives_as_it_was_sent(
    message: Any, ends: tuple[Channel, Channel]
) -> None:
    mine, other = ends
    thread = sent_by_thread(mine, message)
    assert other.receive() == (message, [])
    thread.join()


def test_messages_travel_both_ways(ends: tuple[Channel, Channel]) -> None:
    mine, other = ends
    mine.send("there")
    other.send("back")
    assert other.receive() == ("there", [])
    assert mine.receive() == ("back", [])


def test_messages_arrive_one_by_one_in_order(ends: tuple[Channel, Channel]) -> None:
    mine, other = ends
    for number in range(5):
        mine.send(number)
    assert [other.receive()[0] for _ in range(5)] == [0, 1, 2, 3, 4]


def test_all_messages_that_are_there_come_at_once(
    ends: tuple[Channel, Channel],
) -> None:
    mine, other = ends
    for number in range(5):
        mine.send(number)
    assert [message for message, _ in other.receive_ready()] == [0, 1, 2, 3, 4]
    assert other.receive_ready() == []


def test_nothing_there_is_no_reason_to_wait(ends: tuple[Channel, Channel]) -> None:
    assert ends[1].receive_ready() == []


def test_message_in_pieces_comes_when_its_last_byte_does(
    dribble: tuple[Channel, socket.socket],
) -> None:
    channel, theirs = dribble
    frame = frame_of({"x": "y"})
    for position in range(len(frame) - 1):
        theirs.send(frame[position : position + 1])
        assert channel.receive_ready() == []
    theirs.send(frame[-1:])
    assert channel.receive_ready() == [({"x": "y"}, [])]


@pytest.mark.parametrize("cut", [1, 10, -1])
def test_piece_of_the_next_message_stays_for_later(
    cut: int, dribble: tuple[Channel, socket.socket]
) -> None:
    channel, theirs = dribble
    first, second = frame_of("first"), frame_of("second")
    theirs.send(first + second[:cut])
    assert channel.receive_ready() == [("first", [])]
    theirs.send(second[cut:])
    assert channel.receive() == ("second", [])


def test_one_message_is_taken_when_several_came_together(
    dribble: tuple[Channel, socket.socket],
) -> None:
    channel, theirs = dribble
    theirs.send(frame_of("first") + frame_of("second") + frame_of("third"))
    assert [channel.receive()[0] for _ in range(3)] == ["first", "second", "third"]


def test_message_that_came_with_another_is_there(ends: tuple[Channel, Channel]) -> None:
    mine, other = ends
    mine.send("first")
    mine.send("second")
    assert other.receive()[0] == "first"
    assert other.receive_ready() == [("second", [])]


@pytest.mark.parametrize("with_descriptor", [False, True])
def test_rest_is_sent_when_the_socket_takes_only_a_part(with_descriptor: bool) -> None:
    one, other = socket.socketpair()
    for end in (one, other):
        end.settimeout(30)  # which makes `send` return what fits
    mine, theirs = Channel(one), Channel(other)
    with closing(mine), closing(theirs), ExitStack() as stack:
        rights = [named_pipe(stack, b"a")] if with_descriptor else []
        thread = sent_by_thread(mine, LARGE, *rights)
        message, descriptors = theirs.receive()
        thread.join()
    assert message == LARGE
    assert [read_and_close(d) for d in descriptors] == [b"a"] * with_descriptor


def test_descriptors_travel_with_their_message(ends: tuple[Channel, Channel]) -> None:
    mine, other = ends
    with ExitStack() as stack:
        mine.send("two", [named_pipe(stack, b"a"), named_pipe(stack, b"b")])
        mine.send("none")
        mine.send("one", [named_pipe(stack, b"c")])
    found = {}
    for _ in range(3):
        message, descriptors = other.receive()
        found[message] = [read_and_close(descriptor) for descriptor in descriptors]
    assert found == {"two": [b"a", b"b"], "none": [], "one": [b"c"]}


def test_descriptors_travel_with_a_message_larger_than_the_socket(
    ends: tuple[Channel, Channel],
) -> None:
    mine, other = ends
    with ExitStack() as stack:
        thread = sent_by_thread(mine, LARGE, named_pipe(stack, b"a"))
        message, descriptors = other.receive()
        thread.join()
    assert message == LARGE
    assert [read_and_close(descriptor) for descriptor in descriptors] == [b"a"]


def test_many_descriptors_travel_at_once(ends: tuple[Channel, Channel]) -> None:
    mine, other = ends
    with ExitStack() as stack:
        mine.send("all", [named_pipe(stack, bytes([n])) for n in range(200)])
    _, descriptors = other.receive()
    assert [read_and_close(d) for d in descriptors] == [bytes([n]) for n in range(200)]


def test_sent_descriptor_stays_open_here(ends: tuple[Channel, Channel]) -> None:
    mine, other = ends
    with ExitStack() as stack:
        reader = named_pipe(stack, b"a")
        mine.send("one", [reader])
        os.close(other.receive()[1][0])
        assert os.read(reader, 1) == b"a"


def test_descriptors_that_nobody_took_are_closed() -> None:
    mine, theirs = pair()
    reader, writer = os.pipe()
    with closing(mine), closing(Channel(theirs)) as other:
        mine.send("small")
        mine.send(b"x" * 100_000, [writer])  # its end stays in the socket for now
        os.close(writer)
        assert [message for message, _ in other.receive_ready()] == ["small"]
    os.set_blocking(reader, False)
    assert os.read(reader, 1) == b""  # nobody has the other end
    os.close(reader)


def test_message_that_does_not_pickle_leaves_the_channel_as_it_was(
    ends: tuple[Channel, Channel],
) -> None:
    mine, other = ends
    with pytest.raises(Exception, match="pickle"):
        mine.send(threading.Lock())
    mine.send("next")
    assert other.receive() == ("next", [])


@pytest.mark.parametrize("method", ["receive", "receive_ready"])
def test_end_of_file_is_told(method: str) -> None:
    mine, theirs = pair()
    theirs.close()
    with closing(mine), pytest.raises(EOFError):
        getattr(mine, method)()


def test_send_to_nobody_is_told_as_end_of_file() -> None:
    mine, theirs = pair()
    theirs.close()
    with closing(mine), pytest.raises(EOFError):
        mine.send("anybody?")


def test_end_that_left_something_unread_is_told_as_end_of_file() -> None:
    mine, theirs = pair()
    with closing(mine):
        mine.send("never read")
        theirs.close()  # the kernel makes that a reset connection
        with pytest.raises(EOFError):
            mine.receive()


def test_messages_before_the_end_of_file_still_come(
    dribble: tuple[Channel, socket.socket],
) -> None:
    channel, theirs = dribble
    theirs.send(frame_of("last words"))
    theirs.close()
    assert channel.receive_ready() == [("last words", [])]
    with pytest.raises(EOFError):
        channel.receive_ready()


def test_end_of_file_inside_a_message_is_told(
    dribble: tuple[Channel, socket.socket],
) -> None:
    channel, theirs = dribble
    theirs.send(frame_of("never finished")[:-1])
    theirs.close()
    with pytest.raises(EOFError):
        channel.receive()


def test_channel_can_be_selected_on(ends: tuple[Channel, Channel]) -> None:
    mine, other = ends
    assert os.fstat(mine.fileno()).st_ino != os.fstat(other.fileno()).st_ino


_BROKEN_PIPE = """
import signal
from seq2data.workers.processes.inbox import Inbox
from seq2data.workers.wire.channel import pair

signal.signal(signal.SIGPIPE, signal.SIG_DFL)
inbox = Inbox()
inbox._ours.close()
inbox.wake()
for descriptors in [], [0]:
    channel, theirs = pair()
    theirs.close()
    for size in 1, 1 << 20:
        try:
            channel.send(bytes(size), descriptors)
        except EOFError:
            print("told")
"""


def test_program_that_sigpipe_kills_is_told_as_any_other() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BROKEN_PIPE],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0
    assert done.stdout.split() == ["told"] * 4
