"""The official SDK reads what is on the sandbox's chain: blocks, owners, locks, reveals."""

import sys

from official_sdk import adapter
from sandbox import NETUID, cli, proven, sandbox, wallet

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def main(binary):
    with sandbox(binary, "--hotkeys", "2") as info, adapter().Chain(info["subtensor"]) as chain:
        miner = wallet(info)
        hotkey, coldkey = miner.hotkey.ss58_address, miner.coldkeypub.ss58_address

        block = chain.block()
        assert chain.wait_for_block(block + 1) and chain.block() > block
        assert chain.owner(hotkey) == coldkey
        assert chain.owner(wallet(info, "unregistered").hotkey.ss58_address) is None
        assert set(chain.owned(coldkey)) == {
            wallet(info, name).hotkey.ss58_address for name in info["hotkeys"] if name != "unregistered"
        }
        assert chain.locked_rao(coldkey, NETUID) > 0
        assert chain.locked_rao(hotkey, NETUID) is None
        proven("the SDK reads blocks, owners, owned hotkeys and locks")

        [committed] = cli(binary, info, "commit-hash", "--hash", COMMIT)
        [(revealed_by, [(text, reveal_block)])] = chain.stored_reveals(NETUID)
        assert revealed_by == hotkey and reveal_block == committed["revealed_block"]
        # The SDK shows bytes that are no UTF-8 in hexadecimal, and here the first one, the length of the JSON, is none.
        assert bytes.fromhex(text.removeprefix("0x"))[1:].decode() == f'{{"commit":"{COMMIT}"}}', text
        assert chain.revealed(NETUID) == {hotkey: (reveal_block, f'{{"commit":"{COMMIT}"}}')}
        proven("the SDK reads a commitment made by 404-cli")


if __name__ == "__main__":
    main(sys.argv[1])
