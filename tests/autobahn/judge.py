#!/usr/bin/env python3
"""Judges reports of the Autobahn suite, more strictly than the suite itself does.

The suite accepts a bare TCP drop where a close code is due, gives 100 s to a message that should take
10 ms, and writes an empty report when nobody answers. Here every case must be in the report, OK, closed
with the right code, and fast.

Usage: tests/autobahn/judge.py CASES INDEX.json...    judges reports that exist
       python3 -m doctest tests/autobahn/judge.py     tests the judge
"""

import fnmatch
import json
import sys

# How many cases autobahntestsuite 0.8.2 has in each section: 301 in 1 to 10, 216 in 12 and 13.
SECTIONS = {
    "1.1": 8, "1.2": 8, "2": 11, "3": 7, "4.1": 5, "4.2": 5, "5": 20,
    "6.1": 3, "6.2": 4, "6.3": 2, "6.4": 4, "6.5": 5, "6.6": 11, "6.7": 4, "6.8": 2,
    "6.9": 4, "6.10": 3, "6.11": 5, "6.12": 8, "6.13": 5, "6.14": 10, "6.15": 1, "6.16": 3,
    "6.17": 5, "6.18": 5, "6.19": 5, "6.20": 7, "6.21": 8, "6.22": 34, "6.23": 7,
    "7.1": 6, "7.3": 6, "7.5": 1, "7.7": 13, "7.9": 9, "7.13": 2,
    "9.1": 6, "9.2": 6, "9.3": 9, "9.4": 9, "9.5": 6, "9.6": 6, "9.7": 6, "9.8": 6, "10.1": 1,
    "12.1": 18, "12.2": 18, "12.3": 18, "12.4": 18, "12.5": 18,
    "13.1": 18, "13.2": 18, "13.3": 18, "13.4": 18, "13.5": 18, "13.6": 18, "13.7": 18,
}  # fmt: skip
ALL_CASES = [f"{section}.{n}" for section, count in SECTIONS.items() for n in range(1, count + 1)]


def expand(patterns):
    """The cases that comma separated patterns name, in the suite's order.

    >>> expand("7.5.*,2.1")
    ['2.1', '7.5.1']
    >>> len(expand("1.*,2.*,3.*,4.*,5.*,6.*,7.*,9.*,10.*")), len(expand("12.*,13.*"))
    (301, 216)
    >>> expand("1.*,8.*")
    Traceback (most recent call last):
    ValueError: the suite has no case 8.*
    """
    named = set()
    for pattern in patterns.split(","):
        matches = fnmatch.filter(ALL_CASES, pattern)
        if not matches:
            raise ValueError(f"the suite has no case {pattern}")
        named.update(matches)
    return [case for case in ALL_CASES if case in named]


# Cases without a right answer: a message, Close and Ping in one go; close codes 5000 and 65535.
INFORMATIONAL = expand("7.1.6,7.13.*")

# Cases in which the suite breaks the protocol, by the code of the Close that it must get for that.
CLOSE_CODES = {
    **dict.fromkeys(expand("2.5,3.*,4.*,5.1,5.2,5.9,5.1[0-8],7.3.2,7.3.6,7.9.*"), 1002),
    **dict.fromkeys(expand("6.[348].*,6.6.[13468],6.6.10,6.10.*,6.11.5,6.1[2-9].*,6.2[01].*,7.5.1"), 1007),
}

# Milliseconds for a message of at most 16 MiB there and back. Below 1000 is good.
SLOWEST = 2500


def faults(case, result, timed=True):
    """What is wrong with the result of a case, if anything.

    >>> good = {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000, "duration": 2}
    >>> faults("1.1.1", good)
    []
    >>> faults("1.1.1", None)
    ['not in the report']
    >>> faults("1.1.1", {**good, "behavior": "INFORMATIONAL", "behaviorClose": "UNCLEAN"})
    ['behavior is INFORMATIONAL', 'behaviorClose is UNCLEAN']
    >>> faults("7.1.6", {**good, "behavior": "INFORMATIONAL", "behaviorClose": "INFORMATIONAL"})
    []
    >>> faults("6.4.1", {**good, "behavior": "NON-STRICT", "remoteCloseCode": 1007})
    ['behavior is NON-STRICT']
    >>> faults("2.5", {**good, "remoteCloseCode": None})
    ['close code is None, 1002 is due']
    >>> faults("7.5.1", {**good, "remoteCloseCode": 1002})
    ['close code is 1002, 1007 is due']
    >>> faults("9.1.1", {**good, "duration": 2501})
    ['took 2501 ms, 2500 ms is the limit']
    >>> faults("9.1.1", {**good, "duration": 2501}, timed=False) + faults("9.1.1", {**good, "duration": 2500})
    []
    >>> [sum(code == due for due in CLOSE_CODES.values()) for code in (1002, 1007)]
    [41, 76]
    """
    if result is None:
        return ["not in the report"]
    found = []
    for field in "behavior", "behaviorClose":
        if result[field] != "OK" and not (result[field] == "INFORMATIONAL" and case in INFORMATIONAL):
            found.append(f"{field} is {result[field]}")
    # Despite its name: the code in the Close that the implementation under test sent.
    code, due = result["remoteCloseCode"], CLOSE_CODES.get(case)
    if due and code != due:
        found.append(f"close code is {code}, {due} is due")
    if timed and case.startswith("9.") and result["duration"] > SLOWEST:
        found.append(f"took {result['duration']} ms, {SLOWEST} ms is the limit")
    return found


def read(index):
    """The results of the one implementation in an index.json, by case; none where there is no file."""
    try:
        with open(index, encoding="utf-8") as file:
            agents = json.load(file)
    except FileNotFoundError:
        return {}
    if len(agents) > 1:
        raise ValueError(f"{index} is about more than one implementation: {', '.join(agents)}")
    return next(iter(agents.values()), {})


def judge(cases, results, timed=True):
    """Prints each failure in a line, then what took longest; returns how many cases passed and failed.

    >>> good = {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000, "duration": 2}
    >>> judge(["9.1.1", "9.1.2"], {"9.1.1": good})
    FAILED 9.1.2: not in the report
    slowest of 9.*: 9.1.1, 2 ms
    (1, 1)
    >>> judge(["12.1.1", "12.1.2"], {"12.1.1": good, "12.1.2": {**good, "duration": 3}})
    slowest of 12.*: 12.1.2, 3 ms
    (2, 0)
    >>> judge(["1.1.1"], {"1.1.1": good, "1.1.2": good})
    FAILED 1.1.2: not asked for
    (1, 1)
    >>> judge(expand("1.*"), {})
    FAILED: the report is empty
    (0, 16)
    """
    if not results:
        print("FAILED: the report is empty")
        return 0, len(cases)
    failed = {case: found for case in cases if (found := faults(case, results.get(case), timed))}
    passed = len(cases) - len(failed)
    failed.update((case, ["not asked for"]) for case in results if case not in cases)
    for case, found in failed.items():
        print(f"FAILED {case}: {'; '.join(found)}")
    for section in "9", "12", "13":
        durations = {case: result["duration"] for case, result in results.items() if case.startswith(f"{section}.")}
        if durations:
            slowest = max(durations, key=durations.get)
            print(f"slowest of {section}.*: {slowest}, {durations[slowest]} ms")
    return passed, len(failed)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    results = {}
    for index in sys.argv[2:]:
        results.update(read(index))
    passed, failed = judge(expand(sys.argv[1]), results)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
