# SPDX-License-Identifier: Apache-2.0
"""What the library writes, a verifier that shares nothing with it finds sound; and what is changed, it does not.

    verifier_test.py WRITE_TRAIL
"""
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import verifier

HARMS = {
    "UPDATE records SET at = at + 1 WHERE seq = 30": "changed 30",
    "UPDATE circumstances SET who = 'x' WHERE role = 'R8001'": "changed 8",
    "DELETE FROM records WHERE seq = 40": "removed 40",
    "DELETE FROM records WHERE seq > 65": "truncated 66",
    "UPDATE images SET image = zeroblob(200)": "policy",
    "UPDATE pruned SET statement = replace(statement, ' 7 ', ' 6 ')": "forged",
}


def main(write_trail):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nrbac-verifier-"))
    failed = []

    def expect(what, got, want):
        if got != want:
            failed.append(f"{what}: {got}, want {want}")

    try:
        subprocess.run([write_trail, folder], check=True, stdout=subprocess.DEVNULL)
        expect("the trail", verifier.verify(folder / "trail", folder / "checkpoints"), "sound")
        receipts = sorted(folder.glob("receipt-*.json"))
        expect("receipts", len(receipts), 64)
        for file in receipts:
            receipt = json.loads(file.read_text())
            expect(file.name, verifier.check_receipt(receipt), "sound")
            receipt["record"]["asserted"] = not receipt["record"].get("asserted", False)
            expect(file.name, verifier.check_receipt(receipt), "changed")
        for number, (sql, want) in enumerate(HARMS.items()):
            copy = folder / f"copy-{number}"
            shutil.copy(folder / "trail", copy)
            db = sqlite3.connect(copy)
            db.execute(sql)
            db.commit()
            db.close()
            expect(sql, verifier.verify(copy, folder / "checkpoints"), want)
    finally:
        shutil.rmtree(folder)
    print("\n".join(failed) or f"{len(receipts)} receipts and {len(HARMS)} harms")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
