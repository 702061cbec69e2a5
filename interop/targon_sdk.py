"""The official SDK drives the sandbox's Targon API: deploys, lists, reads state, events and logs, deletes.

What it deploys, `404-cli` sees; what `404-cli` deploys, it sees.
"""

import asyncio
import json
import os
import subprocess
import sys
import urllib.request

from targon.client.client import Client
from targon.client.serverless import RegistryConfig, ReplicasConfig
from targon.core.exceptions import APIError

from sandbox import proven, sandbox

KEY = "sn4_0000000000000000000000000000"
ARGUMENTS = ["zai-org/GLM-4.6V-Flash", "--port", "8000"]


def connect(url, key=KEY):
    """A client of the SDK that talks to the sandbox instead of the cloud."""
    client = Client(api_key=key)
    for part in (client.async_serverless, client.async_inventory, client.async_logs):
        part.base_url = url
    return client


def ours(binary, url, *arguments):
    """Runs 404-cli on the same account and returns its JSON lines."""
    environment = {**os.environ, "TARGON_API_KEY": KEY, "TARGON_BASE_URL": url, "GEN404_POLL_INTERVAL": "0.1"}
    result = subprocess.run([binary, *arguments], stdout=subprocess.PIPE, text=True, timeout=180, env=environment)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0, lines
    return lines


def fault(url, *faults):
    body = json.dumps({"faults": [{"fault": name} for name in faults]}).encode()
    request = urllib.request.Request(f"{url}/sandbox/faults", body, {"content-type": "application/json"}, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


async def refused(status, work):
    try:
        await work
    except APIError as error:
        assert error.status_code == status, error
    else:
        raise AssertionError(f"expected {status}")


async def until_running(pods, uid):
    for _ in range(100):
        state = await pods.get_state(uid)
        if state.status == "running":
            return state
        await asyncio.sleep(0.1)
    raise AssertionError("it never ran")


async def lives(client, binary, url):
    inventory = await client.async_inventory.capacity()
    prices = {one.name: one.cost_per_hour for one in inventory}
    assert prices["cpu-small"] == 0.09 and prices["h200-large"] == 13.0, prices
    gpus = await client.async_inventory.capacity(inventory_type="rental", gpu=True)
    assert gpus and all(one.gpu and one.spec.gpu_count for one in gpus)
    proven("the SDK reads the inventory of both types")

    pods = client.async_serverless
    deployed = await pods.deploy_container(
        name="judge",
        image="vllm/vllm-openai:v0.20.0",
        resource="rtx6000b-small",
        args=ARGUMENTS,
        port=8000,
        env={"HF_TOKEN": "hf_x"},
        replicas=ReplicasConfig(min=1, max=1, container_concurrency=1, target_concurrency=1),
        registry=RegistryConfig(username="u", password="p"),
    )
    assert deployed.cost_per_hour == 1.6 and deployed.status in ("registered", "provisioning", "running"), deployed
    state = await until_running(pods, deployed.uid)
    assert state.workload_type == "SERVERLESS" and state.urls[0].port == 8000, state
    [listed] = await pods.list_container()
    assert (listed.uid, listed.name, listed.url) == (deployed.uid, "judge", state.urls[0].url), listed
    events = await pods.get_events(deployed.uid, limit=5)
    assert [event.event_type for event in events.items][0] == "POD_SCHEDULED", events
    rest = await pods.get_events(deployed.uid, limit=1)
    assert rest.next_cursor and (await pods.get_events(deployed.uid, limit=1, cursor=rest.next_cursor)).items
    proven("the SDK deploys, reads state, list and events")

    lines = [line async for line in client.async_logs.stream_logs(deployed.uid, follow=False)]
    assert lines == ["boot", "listening on :8000"], lines
    followed = []
    async for line in client.async_logs.stream_logs(deployed.uid):
        followed.append(line)
        if line.startswith("heartbeat"):
            break
    assert followed[:2] == lines, followed
    proven("the SDK reads and follows logs")

    [seen] = ours(binary, url, "pods")
    assert (seen["uid"], seen["url"], seen["ours"]) == (deployed.uid, listed.url, True), seen
    assert seen["started_here"] is False and seen["resource"] == "rtx6000b-small", seen
    assert ours(binary, url, "pods", "logs", "judge") == [{"line": line} for line in lines]
    await pods.delete_container(deployed.uid)
    assert await pods.list_container() == [] and ours(binary, url, "pods") == []
    await refused(404, pods.delete_container(deployed.uid))
    proven("404-cli lists what the SDK deployed, and the SDK deletes it")

    [started] = ours(binary, url, "start-renderer", "--targon-type", "serverless")
    [listed] = await pods.list_container()
    assert (listed.uid, listed.url) == (started["uid"], started["container_url"]), (listed, started)
    assert listed.cost == started["cost_per_hour"] == 0.09
    assert (await pods.get_state(started["uid"])).status == "running"
    assert ours(binary, url, "stop-pods") == [] and await pods.list_container() == []
    proven("the SDK sees what 404-cli starts and stops")


async def refusals(client, url):
    pods = client.async_serverless
    unknown = connect(url, "bad-key")
    async with unknown:
        await refused(401, unknown.async_serverless.list_container())
    await refused(404, pods.get_state("wrk-nope"))
    await refused(404, pods.delete_container("wrk-nope"))
    await refused(400, pods.deploy_container(name="Judge", image="i", resource="cpu-small", port=80))
    await refused(400, pods.deploy_container(name="judge", image="i", resource="h900-huge", port=80))
    fault(url, "deploy_refused")
    await refused(402, pods.deploy_container(name="judge", image="i", resource="cpu-small", port=80))
    [orphan] = await pods.list_container()
    assert orphan.name == "judge" and orphan.url is None, orphan
    fault(url)
    await pods.delete_container(orphan.uid)
    proven("the SDK is refused as by the service, and leaves the orphan that 404-cli would take away")


async def main(binary):
    with sandbox(binary) as info:
        url = info["targon"]
        async with connect(url) as client:
            await lives(client, binary, url)
        async with connect(url) as client:
            await refusals(client, url)


asyncio.run(main(sys.argv[1]))
