"""Members of a zip archive, those compressed with zstandard (method 93) included, which Python < 3.14 cannot open.

The central directory is read by :mod:`zipfile`; for method 93 the member's own header (30 bytes, then its name and
extra field: APPNOTE.TXT 4.3.7) says where the data begin.
"""

import struct
import zipfile
import zlib

from secondlaw.errors import InvalidInput

__all__ = ["MAX_MEMBER_BYTES", "member_bytes"]

ZSTANDARD = 93
MAX_MEMBER_BYTES = 1 << 30
"""A member that expands beyond 1 GiB is refused: one sample of a log is far smaller."""
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_LOCAL_SIGNATURE = b"PK\x03\x04"


def member_bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the content of a member.

    Raises
    ------
    InvalidInput
        If the member is compressed with zstandard and the package ``zstandard`` is not installed.
    zipfile.BadZipFile
        If the member is damaged, or expands beyond `MAX_MEMBER_BYTES`.
    """
    if member.file_size > MAX_MEMBER_BYTES:
        raise zipfile.BadZipFile(f"{member.filename} expands to {member.file_size} bytes")
    if member.compress_type != ZSTANDARD:
        try:
            return archive.read(member)
        except (zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise zipfile.BadZipFile(f"{member.filename}: {error}") from error
    return _zstandard_bytes(archive, member)


def _zstandard_bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        import zstandard
    except ImportError as error:
        raise InvalidInput(
            f"{member.filename} is compressed with zstandard, which needs: pip install 'secondlaw[inspect]'"
        ) from error
    file = archive.fp
    if file is None:
        raise zipfile.BadZipFile("the archive is closed")
    file.seek(member.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL_SIGNATURE):
        raise zipfile.BadZipFile(f"{member.filename} is not where the archive's directory says")
    *_, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    file.seek(name_length + extra_length, 1)
    packed = file.read(member.compress_size)
    inflater = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
    try:
        content: bytes = inflater.read(member.file_size + 1)
    except zstandard.ZstdError as error:
        raise zipfile.BadZipFile(f"{member.filename}: {error}") from error
    if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        raise zipfile.BadZipFile(f"{member.filename} is damaged (size or checksum differs)")
    return content
