"""A growing file: whole lines, rotation, truncation, a resumed place; a pipe that ends."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlaw.errors import InvalidInput
from secondlaw.formats.following import FollowedFile, FollowedStream
from secondlaw.formats.rows import BadRow

pytestmark = pytest.mark.unit


def lines(*numbers):
    return "".join(f'{{"n": {n}}}\n' for n in numbers)


def numbers(rows):
    return [row.value["n"] for row in rows]


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text(lines(1, 2))
    return path


def append(path, text):
    with path.open("a") as file:
        file.write(text)


def test_only_whole_lines_are_rows_and_blank_ones_are_none(log):
    with FollowedFile(log) as file:
        assert numbers(file.poll()) == [1, 2]
        append(log, '\n{"n"')
        assert file.poll() == []
        append(log, ": 3}\nno row\n")
        third, bad = file.poll()
        assert third == (4, {"n": 3})
        assert isinstance(bad, BadRow)
        assert bad.line == 5


def test_a_resumed_place_gives_each_row_once(log):
    with FollowedFile(log) as file:
        file.poll()
        append(log, '{"n": 3')
        file.poll()
        place = file.position
    append(log, "}\n" + lines(4))
    with FollowedFile(log, position=place) as again:
        assert again.poll() == [(3, {"n": 3}), (4, {"n": 4})]
        assert again.notes == []


def test_a_rotated_file_is_read_to_its_end_before_the_new_one(log):
    with FollowedFile(log) as file:
        file.poll()
        append(log, lines(3))
        log.rename(log.with_name("log.jsonl.1"))
        append(log.with_name("log.jsonl.1"), '{"n": 4}')  # no newline: the writer was moved on
        assert numbers(file.poll()) == [3]
        assert file.poll() == []
        log.write_text(lines(5))
        found = [row for _ in range(3) for row in file.poll()]
        assert numbers(found) == [4, 5]


def test_a_file_rotated_while_nobody_read_is_found_again(log):
    with FollowedFile(log) as file:
        file.poll()
        place = file.position
    append(log, lines(3))
    log.rename(log.with_name("log.jsonl.1"))
    log.write_text(lines(4))
    with FollowedFile(log, position=place) as again:
        assert numbers([row for _ in range(3) for row in again.poll()]) == [3, 4]


def test_a_file_cut_short_is_read_anew_and_said_so(log):
    with FollowedFile(log) as file:
        file.poll()
        os.truncate(log, 0)
        append(log, lines(9))
        assert numbers([row for _ in range(2) for row in file.poll()]) == [9]
        assert "cut short" in file.notes[0]


def test_a_file_written_anew_in_place_is_read_anew_though_it_is_no_shorter(log):
    with FollowedFile(log) as file:
        file.poll()
        log.write_text(lines(7, 8, 9))
        assert numbers([row for _ in range(2) for row in file.poll()]) == [7, 8, 9]
        assert "written anew" in file.notes[0]


def test_a_writer_that_still_holds_the_rotated_file_loses_nothing(log):
    with FollowedFile(log) as file, log.open("a") as writer:
        file.poll()
        log.rename(log.with_name("log.jsonl.1"))
        log.touch()  # the rotation makes the new file before the writer is told
        assert file.poll() == []
        writer.write(lines(3))
        writer.flush()
        assert numbers(file.poll()) == [3]
        log.write_text(lines(4))
        assert numbers([row for _ in range(3) for row in file.poll()]) == [4]


def test_files_rotated_one_after_the_other_while_nobody_read_are_all_read(log):
    with FollowedFile(log) as file:
        file.poll()
        place = file.position
    append(log, lines(3))
    log.rename(log.with_name("log.jsonl.2"))
    log.with_name("log.jsonl.1").write_text(lines(4, 5))
    log.with_name("log.jsonl.watch.json").write_text("{}")
    log.write_text(lines(6))
    for age, name in enumerate(("log.jsonl", "log.jsonl.watch.json", "log.jsonl.1", "log.jsonl.2")):
        os.utime(log.with_name(name), (1e9 - 60 * age, 1e9 - 60 * age))
    with FollowedFile(log, position=place) as again:
        assert numbers([row for _ in range(6) for row in again.poll()]) == [3, 4, 5, 6]
        assert again.notes == []


def test_a_file_that_was_compressed_before_it_was_read_is_named(log):
    with FollowedFile(log) as file:
        file.poll()
        place = file.position
    log.rename(log.with_name("log.jsonl.2"))
    log.with_name("log.jsonl.1.gz").write_bytes(b"\x1f\x8b\x08\x00")
    log.write_text(lines(6))
    os.utime(log.with_name("log.jsonl.2"), (1e9, 1e9))
    with FollowedFile(log, position=place) as again:
        assert numbers([row for _ in range(4) for row in again.poll()]) == [6]
        assert "in no step: log.jsonl.1.gz" in again.notes[0]


def test_another_file_in_its_place_is_read_from_its_beginning(log):
    with FollowedFile(log) as file:
        file.poll()
        place = file.position
    log.unlink()
    log.write_text(lines(7, 8, 9))
    with FollowedFile(log, position=place) as again:
        assert numbers(again.poll()) == [7, 8, 9]
        assert "another file" in again.notes[0]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        ("missing", "there is no file"),
        ("folder", "is a folder"),
        ("gzip", "is compressed: .* secondlaw backtest reads this one"),
        ("table", "is no JSON lines by its name: .* secondlaw backtest reads this one"),
    ],
)
def test_what_cannot_be_followed_is_refused(tmp_path, make, says):
    path = tmp_path / ("x.csv" if make == "table" else "x.jsonl")
    if make == "table":
        path.touch()
    elif make == "folder":
        path.mkdir()
    elif make == "gzip":
        path.write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(InvalidInput, match=says):
        FollowedFile(path)


def test_a_pipe_is_read_as_it_comes_until_it_ends():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as file:
        stream = FollowedStream(file)
        assert stream.poll() == []
        os.write(writer, b'{"n": 1}\n{"n"')
        assert numbers(stream.poll()) == [1]
        os.write(writer, b": 2}")
        os.close(writer)
        assert numbers([*stream.poll(), *stream.poll()]) == [2]
        assert stream.ended


@pytest.mark.law
@given(cuts=st.lists(st.integers(1, 60), max_size=12), stops=st.lists(st.booleans(), min_size=13, max_size=13))
def test_however_a_file_grows_and_is_reopened_every_row_comes_once(tmp_path_factory, cuts, stops):
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    whole = lines(*range(20)).encode()
    path.write_bytes(b"")
    file, found, place = FollowedFile(path), [], 0
    for size, stop in zip([*cuts, len(whole)], stops, strict=False):
        with path.open("ab") as log:
            log.write(whole[place : place + size])
        place += size
        found += file.poll()
        if stop:
            position = file.position
            file.close()
            file = FollowedFile(path, position=position)
    found += file.poll()
    file.close()
    if place >= len(whole):
        assert numbers(found) == list(range(20))
    else:
        assert numbers(found) == list(range(len(found)))
