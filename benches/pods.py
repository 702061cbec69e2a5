#!/usr/bin/env python3
"""1,000 workloads listed and filtered: time and memory of the whole process, beside the official SDK.

Both talk to the sandbox's Targon API, in turn. The SDK reads the first page only; its row says how many it saw.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("GEN404_BINARY", str(ROOT / "target/release/404-cli"))
SDK = ROOT / ".cache/venv-targon-sdk-1.0.0"
KEY = "sn4_0000000000000000000000000000"
WORKLOADS = 1_000
RUNS = 10

SDK_LIST = """
import asyncio, sys
from targon.client.client import Client
async def main():
    async with Client(api_key=sys.argv[2]) as client:
        client.async_serverless.base_url = sys.argv[1]
        print(len([one for one in await client.async_serverless.list_container() if one.name == "judge"]))
asyncio.run(main())
"""


def sdk_python() -> str:
    python = SDK / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", SDK], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "targon-sdk==1.0.0"], check=True)
    return str(python)


def register(url: str) -> None:
    """Fills the account; registered workloads cost nothing. The last one is ours."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    for number in range(1, WORKLOADS + 1):
        name = "judge" if number == WORKLOADS else f"foreign-{number}"
        body = {
            "type": "SERVERLESS", "name": name, "image": "example.com/image:1", "resource_name": "cpu-small",
            "ports": [{"port": 8000, "protocol": "TCP"}], "serverless_config": {"visibility": "external"},
        }
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        connection.request("POST", "/tha/v2/workloads", json.dumps(body), headers)
        answer = connection.getresponse()
        assert answer.status == 201, answer.read()
        answer.read()


def measure(command: list[str], environment: dict[str, str]) -> tuple[float, float, bytes]:
    """Median seconds, highest resident memory in MB, and the last output."""
    times, memory, output = [], 0.0, b""
    for _ in range(RUNS):
        begin = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        times.append(time.perf_counter() - begin)
        assert status == 0, command
        memory = max(memory, usage.ru_maxrss / 1000)
        process.returncode = 0
    return statistics.median(times), memory, output


def main() -> None:
    python = sdk_python()
    sandbox = subprocess.Popen([BINARY, "sandbox"], stdout=subprocess.PIPE, text=True)
    try:
        url = json.loads(sandbox.stdout.readline())["targon"]
        register(url)
        environment = {**os.environ, "TARGON_API_KEY": KEY, "TARGON_BASE_URL": url}
        ours, our_memory, listed = measure([BINARY, "pods", "--quiet"], environment)
        assert len(listed.splitlines()) == WORKLOADS and json.loads(listed.splitlines()[0])["name"] == "judge"
        theirs, their_memory, found = measure([python, "-c", SDK_LIST, url, KEY], environment)
    finally:
        sandbox.terminate()
        sandbox.wait()
    seen = int(found)
    print("| 1,000 workloads, one of them ours on the last page | whole process | memory | finds it |")
    print("| --- | --- | --- | --- |")
    print(f"| `404-cli pods` | {ours * 1000:.0f} ms | {our_memory:.0f} MB | yes |")
    print(f"| official SDK 1.0.0 | {theirs * 1000:.0f} ms | {their_memory:.0f} MB | {'yes' if seen else 'no: reads the first page only'} |")
    print(f"\n{theirs / ours:.1f} × faster with {their_memory / our_memory:.1f} × less memory, reading 20 pages instead of one.")


if __name__ == "__main__":
    main()
