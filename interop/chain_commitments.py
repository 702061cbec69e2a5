"""A commitment made by the official SDK is accepted, revealed by the sandbox's chain and listed by 404-cli.

The SDK always encrypts to drand's real quicknet and to a round of the near future, whose signature nobody here can know.
So the chain listens to quicknet with two genuine old pulses, and the SDK is told to encrypt to one of those rounds.
Key, encryption, signature and pulse are the real ones; only the round lies in the past.
"""

import json
import sys
from pathlib import Path

import bittensor
import bittensor_drand

from sandbox import NETUID, cli, proven, sandbox, wallet

PULSES = Path(__file__).with_name("quicknet-pulses.json")
ROUND = 2000
COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


def scale_string(text):
    """What the SDK encrypts: the text with its compact length (of 64 bytes and more) in front."""
    data = text.encode()
    assert 64 <= len(data) < 1 << 14
    return (len(data) << 2 | 1).to_bytes(2, "little") + data


def encrypt_to_a_known_round(data, blocks_until_reveal=1, block_time=12):
    """Stands in for the SDK's function that takes the round from the clock; the drand library is the same."""
    envelope, _ = bittensor_drand.encrypt_at_round(scale_string(data), ROUND)
    # The library puts a compact length of two bytes in front and the round behind.
    return envelope[2:-8], ROUND


def main(binary):
    with sandbox(binary, "--quicknet-pulses", str(PULSES)) as info, bittensor.Subtensor(info["subtensor"]) as subtensor:
        bittensor.core.subtensor.get_encrypted_commitment = encrypt_to_a_known_round
        miner = wallet(info)
        data = json.dumps({"commit": COMMIT, "repo": "owner/name"})
        response = subtensor.set_reveal_commitment(miner, NETUID, data, raise_error=True)
        assert response.success, response.message
        subtensor.wait_for_block(subtensor.get_current_block() + 1)

        hotkey = miner.hotkey.ss58_address
        [listed] = cli(binary, info, "list-all")
        assert (listed["hotkey"], listed["commit_hash"], listed["repo"]) == (hotkey, COMMIT, "owner/name"), listed
        proven("a commitment made by the SDK is revealed by the chain and listed by 404-cli")

        refused = subtensor.set_reveal_commitment(wallet(info, "unregistered"), NETUID, data)
        assert not refused.success and "AccountNotAllowedCommit" in refused.message, refused.message
        proven("the SDK is told why an unregistered hotkey may not commit")


if __name__ == "__main__":
    main(sys.argv[1])
