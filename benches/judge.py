#!/usr/bin/env python3
"""404-cli judge next to a plain Python client: processor time, memory, bytes read and sent for a match of 128 duels.

The pictures have full size, every duel draws to the end (26 questions), and a scripted model answers after a millisecond in a
process of its own. The plain client does what comes naturally: for each question it reads the pictures, encodes them and posts them.
GEN404_DUELS sets another number of duels.
"""

import http.server
import json
import multiprocessing
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("GEN404_BINARY", str(ROOT / "target/release/404-cli"))
DUELS = int(os.environ.get("GEN404_DUELS", "128"))
CONCURRENCY = 8
VIEWS = ["front", "front_left", "front_right", "front_above", "right", "back", "left", "top_down"]

PLAIN = r"""
import base64, concurrent.futures, http.client, json, sys, threading

folder, host, duels, concurrency = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
local = threading.local()

def ask(label, pictures):
    parts = [{"type": "text", "text": "Compare the two models with the reference."}]
    for path in pictures:
        with open(f"{folder}/{path}", "rb") as file:
            url = "data:image/png;base64," + base64.b64encode(file.read()).decode()
        parts.append({"type": "image_url", "image_url": {"url": url}})
    body = json.dumps({
        "model": "m", "temperature": 0.0, "max_tokens": 1024, "seed": 7,
        "response_format": {"type": "json_schema", "json_schema": {"name": label + "-response", "schema": {"type": "object"}}},
        "messages": [{"role": "system", "content": "You judge."}, {"role": "user", "content": parts}],
    })
    if not hasattr(local, "connection"):
        local.connection = http.client.HTTPConnection(host)
    local.connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    return json.loads(json.loads(local.connection.getresponse().read())["choices"][0]["message"]["content"])

calls = concurrent.futures.ThreadPoolExecutor(32)

def duel(number):
    stem = f"p{number}"
    prompt, left, right = f"prompts/{stem}.png", f"left/{stem}", f"right/{stem}"
    def pair(label, name):
        a, b = f"{left}/{name}", f"{right}/{name}"
        return [(label, [prompt, a, b]), (label, [prompt, b, a])]
    stages = [[("explain", [prompt, left + "/grid.png", right + "/grid.png"])]]
    stages[0] += [call for view in ["front", "front_left", "front_right", "front_above"] for call in pair("s1_prompt_match", f"white/{view}.png")]
    stages.append(pair("s2bv_ab", "white/back.png") + pair("s2ac_ab", "grid.png") + [("s2cl_decompose", [prompt])])
    stages.append([("s2cl_verify", [prompt, side + "/grid.png"]) for side in (left, right)])
    stages.append(pair("s3_gray_ab", "gray/front.png"))
    stages.append([("s4_per_angle", [side + "/white/front.png", f"{side}/white/{view}.png"])
                   for side in (left, right) for view in ["right", "back", "left", "top_down"]])
    for stage in stages:
        list(calls.map(lambda call: ask(*call), stage))

with concurrent.futures.ThreadPoolExecutor(concurrency) as pool:
    list(pool.map(duel, range(duels)))
"""

PENALTIES = {"penalty_1": 3, "penalty_2": 3, "issues": "none"}
FEATURES = ["4 legs", "a seat", "a back", "arms"]
REPLIES = {
    "s2cl_decompose": {"main_object": "chair", "features": [{"description": text, "category": "presence"} for text in FEATURES]},
    "s2cl_verify": {"checks": [{"feature": text, "match": "yes", "note": "seen"} for text in FEATURES], "main_object_correct": True},
    "s4_per_angle": {"verdict": "ok", "reason": "fits"},
    "explain": {"issues": "none"},
}


class Model(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    sent = multiprocessing.Value("Q", 0)
    questions = multiprocessing.Value("Q", 0)

    def log_message(self, *_):
        pass

    def answer(self, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self.answer({"data": [{"id": "m"}]})

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        head = self.rfile.read(min(left, 4096))
        with self.sent.get_lock():
            self.sent.value += left
        with self.questions.get_lock():
            self.questions.value += 1
        left -= len(head)
        buffer = memoryview(bytearray(1 << 20))
        while left > 0:
            left -= self.rfile.readinto(buffer[: min(left, len(buffer))])
        label = re.search(rb'"name": ?"(\w+)-response"', head).group(1).decode()
        time.sleep(0.001)
        self.answer({"choices": [{"message": {"role": "assistant", "content": json.dumps(REPLIES.get(label, PENALTIES))}}]})


def serve(port) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.daemon_threads = True
    port.send(server.server_address[1])
    server.serve_forever()


def png(pixels: bytes, size: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + pixels[y * size * 4 : (y + 1) * size * 4] for y in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def embeddings() -> bytes:
    path = Path(tempfile.mkstemp()[1])
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in [("prompt", 1.0)] + [(f"view_{view}", 0.9 if view == "back" else 0.1) for view in VIEWS]:
            head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n"
            archive.writestr(name + ".npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(head)) + head + struct.pack("<f", value))
    data = path.read_bytes()
    path.unlink()
    return data


def prepare(folder: Path) -> None:
    """A few pictures of about a megabyte, linked under all the names of a match."""
    noise = random.Random(404)
    size = 1024
    white = png(noise.randbytes(size * size * 4 // 4) + bytes(size * size * 3), size)
    grid = png(noise.randbytes(size * size * 4 // 4) + bytes(size * size * 3), size)
    pale = bytes(240 + byte % 16 for byte in noise.randbytes(size * size))
    gray = png(pale + bytes([128]) * (size * size * 3), size)
    prompt = png(noise.randbytes(500 * 1000) + bytes(size * size * 4 - 500 * 1000), size)
    pool = {"white": white, "grid": grid, "gray": gray, "prompt": prompt, "npz": embeddings()}
    (folder / "pool").mkdir()
    for name, data in pool.items():
        (folder / "pool" / name).write_bytes(data)
    for number in range(DUELS):
        files = {f"prompts/p{number}.png": "prompt"}
        for side in ("left", "right"):
            base = f"{side}/p{number}"
            files |= {f"{base}/white/{view}.png": "white" for view in VIEWS}
            files |= {f"{base}/gray/front.png": "gray", f"{base}/grid.png": "grid", f"{base}/embeddings.npz": "npz"}
        for name, kind in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(folder / "pool" / kind, folder / name)
    prompts = [{"image_url": f"prompts/p{number}.png"} for number in range(DUELS)]
    (folder / "prompts.json").write_text(json.dumps({"prompts": prompts, "seed": 7}))


def measure(command: list) -> dict:
    Model.sent.value = Model.questions.value = 0
    begin = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    read = [0]

    def watch() -> None:
        while True:
            try:
                text = Path(f"/proc/{process.pid}/io").read_text()
            except OSError:
                return
            found = re.search(r"rchar: (\d+)", text)
            if not found:
                return
            read[0] = max(read[0], int(found.group(1)))
            time.sleep(0.02)

    threading.Thread(target=watch, daemon=True).start()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    return {
        "wall": time.perf_counter() - begin,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1000,
        "read": read[0] / 1e6 / DUELS,
        "sent": Model.sent.value / 1e6 / DUELS,
        "questions": Model.questions.value,
    }


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="gen404-bench-judge-"))
    ours_port, server_port = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(server_port,), daemon=True)
    server.start()
    try:
        prepare(folder)
        host = f"127.0.0.1:{ours_port.recv()}"
        ours = measure(
            [BINARY, "judge", "--prompts-json", folder / "prompts.json", "--image-dir-1", folder / "left", "--image-dir-2",
             folder / "right", "--endpoint", f"http://{host}", "--output-dir", folder / "results", "--concurrency", CONCURRENCY,
             "--model", "m", "--no-report", "--quiet"]
        )
        plain = measure([sys.executable, "-c", PLAIN, folder, host, DUELS, CONCURRENCY])
        assert ours["questions"] == plain["questions"] == 26 * DUELS, (ours, plain)
        print(f"{DUELS} duels, {ours['questions']} questions, {CONCURRENCY} duels at once.\n")
        print("| what | 404-cli judge | plain Python client | ratio |\n| --- | --- | --- | --- |")
        for key, what, form in [
            ("cpu", "processor time, whole match", "{:.1f} s"),
            ("memory", "most memory", "{:.0f} MB"),
            ("read", "read from disk a duel", "{:.0f} MB"),
            ("sent", "sent a duel", "{:.0f} MB"),
            ("wall", "whole match, as long as it took here", "{:.1f} s"),
        ]:
            print(f"| {what} | {form.format(ours[key])} | {form.format(plain[key])} | {plain[key] / ours[key]:.1f} |")
    finally:
        server.terminate()
        server.join()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
