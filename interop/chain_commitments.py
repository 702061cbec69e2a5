"""A commitment made by the official SDK is accepted, revealed by the sandbox's chain and listed by 404-cli.

The SDK always encrypts to drand's real quicknet and to a round of the near future, whose signature nobody here can know.
So the chain listens to quicknet with two genuine old pulses, and the SDK is told to encrypt to one of those rounds.
Key, encryption, signature and pulse are the real ones; only the round lies in the past.
"""

import json
import sys
from pathlib import Path

from official_sdk import adapter
from sandbox import NETUID, cli, proven, sandbox, wallet

PULSES = Path(__file__).with_name("quicknet-pulses.json")
ROUND = 2000
COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


def main(binary):
    with sandbox(binary, "--quicknet-pulses", str(PULSES)) as info, adapter().Chain(info["subtensor"]) as chain:
        miner = wallet(info)
        data = json.dumps({"commit": COMMIT, "repo": "owner/name"})
        success, message = chain.commit(miner, NETUID, data, ROUND)
        assert success, message
        chain.wait_for_block(chain.block() + 1)

        hotkey = miner.hotkey.ss58_address
        [listed] = cli(binary, info, "list-all")
        assert (listed["hotkey"], listed["commit_hash"], listed["repo"]) == (hotkey, COMMIT, "owner/name"), listed
        proven("a commitment made by the SDK is revealed by the chain and listed by 404-cli")

        success, message = chain.commit(wallet(info, "unregistered"), NETUID, data, ROUND)
        assert not success and "not registered on this subnet" in message, message
        proven("the SDK is told why an unregistered hotkey may not commit")


if __name__ == "__main__":
    main(sys.argv[1])
