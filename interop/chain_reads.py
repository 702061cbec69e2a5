"""The official SDK reads what is on the sandbox's chain: blocks, owners, locks, reveals."""

import sys

import bittensor

from sandbox import NETUID, cli, proven, sandbox, wallet

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def main(binary):
    with sandbox(binary, "--hotkeys", "2") as info, bittensor.Subtensor(info["subtensor"]) as subtensor:
        miner = wallet(info)
        hotkey, coldkey = miner.hotkey.ss58_address, miner.coldkeypub.ss58_address

        block = subtensor.get_current_block()
        assert subtensor.wait_for_block(block + 1) and subtensor.get_current_block() > block
        assert subtensor.get_hotkey_owner(hotkey) == coldkey
        assert subtensor.get_hotkey_owner(wallet(info, "unregistered").hotkey.ss58_address) is None
        assert set(subtensor.get_owned_hotkeys(coldkey)) == {
            wallet(info, name).hotkey.ss58_address for name in info["hotkeys"] if name != "unregistered"
        }
        lock = subtensor.get_coldkey_lock(coldkey, NETUID)
        assert lock is None or lock["locked_mass"].rao > 0
        assert subtensor.get_coldkey_lock(hotkey, NETUID) is None
        proven("the SDK reads blocks, owners, owned hotkeys and locks")

        [committed] = cli(binary, info, "commit-hash", "--hash", COMMIT)
        revealed = subtensor.substrate.query_map("Commitments", "RevealedCommitments", [NETUID])
        [(revealed_by, [(text, reveal_block)])] = list(revealed)
        assert revealed_by == hotkey and reveal_block == committed["revealed_block"]
        # The SDK shows bytes that are no UTF-8 in hexadecimal, and here the first one, the length of the JSON, is none.
        assert bytes.fromhex(text.removeprefix("0x"))[1:].decode() == f'{{"commit":"{COMMIT}"}}', text
        assert subtensor.get_all_revealed_commitments(NETUID) == {hotkey: ((reveal_block, f'{{"commit":"{COMMIT}"}}'),)}
        proven("the SDK reads a commitment made by 404-cli")


if __name__ == "__main__":
    main(sys.argv[1])
