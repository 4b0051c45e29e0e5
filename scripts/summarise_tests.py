"""Adds up the JUnit reports in a folder: summarise_tests.py FOLDER [PART THAT FAILED]...

The last line is `N passed, M failed`. Exits 1 where anything failed, no test ran, or a part failed
without a failed test to show for it (a build that broke, a runner that crashed).
"""

import pathlib
import sys
import xml.etree.ElementTree as xml

REPORTS = ("debug", "release", "e2e")


def count(report):
    passed = failed = skipped = 0
    names = []
    for case in xml.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            names.append(f"{case.get('classname') or report.stem}.{case.get('name')}")
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped, names


def main(folder, broken):
    passed = failed = skipped = 0
    for name in REPORTS:
        report = folder / f"{name}.xml"
        try:
            p, f, s, names = count(report)
        except (OSError, xml.ParseError) as why:
            print(f"FAILED {name}: no report of its tests ({why})")
            failed += 1
            continue
        if p + f == 0:
            print(f"FAILED {name}: ran no test")
            failed += 1
        for test in names:
            print(f"FAILED {name}: {test}")
        passed, failed, skipped = passed + p, failed + f, skipped + s
    for part in broken:
        print(f"FAILED part: {part}")
    if broken and failed == 0:
        failed = len(broken)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2:]))
