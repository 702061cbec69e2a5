"""The official SDK in whichever version is installed: the proofs speak to `adapter()`, one small file a major version."""

import importlib
from importlib.metadata import version


def adapter():
    """Its `Chain` reads and commits, its `Codec` decodes; both give plain Python values."""
    return importlib.import_module(f"sdk_{version('bittensor').split('.')[0]}")


def scale_string(text):
    """What is encrypted in a commitment: the text with its compact length (of 64 bytes and more) in front."""
    data = text.encode()
    assert 64 <= len(data) < 1 << 14
    return (len(data) << 2 | 1).to_bytes(2, "little") + data
