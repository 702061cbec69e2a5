"""The package gives what the binary prints: test_gen404.py BINARY (404-cli)."""

import json
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import gen404

ROOT = Path(__file__).resolve().parents[3]
CASES = ROOT / "crates/validator/tests/cases"
GOOD = "export default function generate(THREE) { return new THREE.Group(); }"


def recorded():
    """The text of every recorded module."""
    for name in ("snippets.json", "generated.json"):
        for case in json.loads((CASES / name).read_text()):
            if case.get("source") is not None:
                yield case["source"]
            else:
                parts = case["parts"]
                yield "".join(part if isinstance(part, str) else part[0] * part[1] for part in parts)


class Package(unittest.TestCase):
    def test_every_recorded_module_is_judged_as_the_binary_judges_it(self):
        sources = list(recorded())
        self.assertEqual(len(sources), 677)
        with tempfile.TemporaryDirectory() as folder:
            for number, source in enumerate(sources):
                # A mark of its own keeps modules from being warned of as the same.
                (Path(folder) / f"{number:04}.js").write_bytes(source.encode("utf-8", "surrogatepass"))
            said = subprocess.run([BINARY, "validate", "--static-only", "--json", folder], capture_output=True, text=True)
        lines = [json.loads(line) for line in said.stdout.splitlines()]
        self.assertEqual(len(lines), len(sources), said.stderr[-2000:])
        refused = 0
        for source, line in zip(sources, lines):
            line["file"] = "-"
            line["warnings"] = [warning for warning in line["warnings"] if warning["code"] != "SAME_AS_ANOTHER_FILE"]
            self.assertEqual(gen404.validate(source), line)
            self.assertEqual(gen404.validate(source.encode()), line)
            refused += not line["passed"]
        self.assertGreater(refused, 300)

    def test_bytes_that_are_no_text_are_judged_as_those_of_a_file(self):
        verdict = gen404.validate(GOOD.encode() + b"// caf\xe9")
        self.assertTrue(verdict["mr"]["passed"])
        self.assertEqual(verdict["rs"]["failures"][0]["rule"], "PARSE_ERROR")
        self.assertTrue(gen404.validate(bytearray(GOOD, "ascii"))["passed"])

    def test_what_is_no_module_raises(self):
        for wrong in (None, 1, ["x"], Path("a.js")):
            with self.assertRaisesRegex(TypeError, "source must be str, bytes or bytearray"):
                gen404.validate(wrong)
        with self.assertRaises(UnicodeEncodeError):
            gen404.validate("\ud800")
        with self.assertRaises(TypeError):
            gen404.validate()

    def test_hostile_shapes_come_back(self):
        for unit in ("(", "@", "`${", "zzz;", "\0", "1n.a"):
            self.assertFalse(gen404.validate(unit * (1_048_576 // len(unit)))["passed"])
        self.assertEqual(gen404.validate("x" * 1_048_577)["rs"]["failures"][0]["rule"], "FILE_SIZE_EXCEEDED")

    def test_other_threads_go_on(self):
        counted, done = 0, threading.Event()

        def judge():
            gen404.validate("export default () => { " + "zzz;" * 260_000 + " }")
            done.set()

        # Python gives a thread away every so often; this long, it never would of itself.
        usual = sys.getswitchinterval()
        sys.setswitchinterval(1000)
        try:
            thread = threading.Thread(target=judge)
            thread.start()
            while not done.is_set() and counted < 1_000_000:
                counted += 1
                time.sleep(0)
        finally:
            sys.setswitchinterval(usual)
        thread.join()
        self.assertGreater(counted, 1)

    def test_it_says_what_it_is(self):
        version = subprocess.run([BINARY, "-V"], capture_output=True, text=True).stdout.split()[-1]
        self.assertEqual(gen404.__version__, version)
        self.assertIn("--static-only --json", gen404.validate.__doc__)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
