"""Makes scripts: the messages that one end sends, and how. The same seed makes the same script.

A script is a file: a seed of eight bytes for what the ends choose by themselves; then for each message its flags
(1: text; 2: all echoes are to be here before the next is sent), the number of its fragments in two bytes, the
length of each in four, and the payload. Numbers are big-endian.
"""

import hashlib
import struct

# No more than this is sent before the echoes are waited for: an end that writes and does not read meanwhile is not
# to wait for one that does the same.
UNANSWERED = 32 * 1024
EDGES = (0, 1, 125, 126, 127, 128, 65535, 65536)


def make(rng, count):
    """Returns a script, the digest of its messages, and the bytes in them."""
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(2, 12))) for _ in range(300)]
    mixed = ["".join(rng.choices("aä€é漢字🚀\u0000\uffff", k=rng.randint(1, 8))) for _ in range(300)]
    history = rng.randbytes(64)
    messages = []
    for _ in range(count):
        kind = rng.choice(["words", "words", "mixed", "mixed", "again", "again", "period", "hard"])
        size = rng.choice(EDGES) if rng.random() < 0.1 else int(2 ** rng.uniform(0, 16 if rng.random() < 0.95 else 20))
        match kind:
            case "words" | "mixed":
                some = rng.choices(words if kind == "words" else mixed, k=size // 3 + 1)
                payload = " ".join(some)[:size].encode()
            case "again":  # from far behind, too
                start = rng.randrange(len(history))
                payload = history[start : start + size]
            case "period":
                payload = (rng.randbytes(rng.randint(1, 70)) * size)[:size]
            case "hard":
                payload = rng.randbytes(min(size, 4096))
        is_text = kind in ("words", "mixed")
        history = (history + payload)[-100_000:]
        messages.append((is_text, payload, fragments(rng, payload)))
    return write(rng, messages)


def fragments(rng, payload):
    """Cuts anywhere, at times into empty fragments, and through code points."""
    style = rng.random()
    count = 1 if style < 0.4 else rng.randint(2, 5) if style < 0.95 else rng.randint(6, 60)
    cuts = sorted(rng.randint(0, len(payload)) for _ in range(count - 1))
    return [payload[start:end] for start, end in zip([0, *cuts], [*cuts, len(payload)])]


def write(rng, messages):
    script, digest, unanswered = [rng.randbytes(8)], hashlib.sha256(), 0
    for (is_text, payload, parts), behind in zip(messages, [*messages[1:], None]):
        unanswered += len(payload)
        waits = behind is None or unanswered + len(behind[1]) > UNANSWERED or rng.random() < 0.1
        if waits:
            unanswered = 0
        script += [struct.pack(f">BH{len(parts)}I", is_text | waits << 1, len(parts), *map(len, parts)), payload]
        digest.update((b"T" if is_text else b"B") + struct.pack(">I", len(payload)) + payload)
    return b"".join(script), digest.hexdigest(), sum(len(payload) for _, payload, _ in messages)
