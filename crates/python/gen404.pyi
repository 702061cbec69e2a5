"""Whether the 404 subnet would take a JavaScript module, judged by its text."""

from typing import Literal, TypedDict, Union

__version__: str

class Failure(TypedDict):
    stage: Literal["parse", "static_analysis"]
    rule: str
    detail: str
    line: Union[int, None]
    column: Union[int, None]

class Verdict(TypedDict):
    passed: bool
    failures: list[Failure]
    metrics: None

class Warning(TypedDict):
    code: str
    detail: str
    line: Union[int, None]
    column: Union[int, None]

class Record(TypedDict):
    file: Literal["-"]
    passed: bool
    mr: Verdict
    rs: Verdict
    warnings: list[Warning]

def validate(source: Union[str, bytes, bytearray], /) -> Record:
    """Judge a module by its text, as both of the 404 subnet's validators do.

    Returns the object that ``404-cli validate - --static-only --json`` prints. ``source`` is the module as str, or the
    file's content as bytes. Nothing is run, so what fails only when it runs passes. Other threads go on meanwhile.

    Raises TypeError for anything but text and bytes, and UnicodeEncodeError for a str with halves of surrogate pairs.
    """
