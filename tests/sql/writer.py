"""Changes a table at random until it is killed, in transactions some of which are rolled back.

usage: writer.py FILE SEED [ROUNDS]    with ROUNDS it stops by itself and checks the table after each round"""

import random
import sys

from extension import by_force, by_search, connect, random_vector


def change(connection, source):
    for _ in range(source.randrange(1, 8)):
        what, row = source.randrange(4), source.randrange(1, 400)
        if what == 0:
            connection.execute(
                "INSERT OR REPLACE INTO t(rowid, v, name) VALUES (?, ?, 'w')", (row, random_vector(source, 8))
            )
        elif what == 1:
            connection.execute("UPDATE t SET v = ? WHERE rowid = ?", (random_vector(source, 8), row))
        elif what == 2:
            connection.execute("DELETE FROM t WHERE rowid = ?", (row,))
        else:
            connection.execute("UPDATE OR REPLACE t SET rowid = ? WHERE rowid = ?", (source.randrange(1, 400), row))


def main():
    connection, source = connect(sys.argv[1]), random.Random(int(sys.argv[2]))
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else None
    print("ready", flush=True)
    while rounds is None or rounds > 0:
        connection.execute("BEGIN IMMEDIATE")
        change(connection, source)
        connection.execute("ROLLBACK" if source.randrange(4) == 0 else "COMMIT")
        if rounds is not None:
            rounds -= 1
            connection.execute("BEGIN")
            probe = random_vector(source, 8)
            if by_search(connection, probe, 10) != by_force(connection, probe, 10):
                sys.exit("a search differs from looking at every row")
            connection.execute("COMMIT")


if __name__ == "__main__":
    main()
