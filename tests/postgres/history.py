"""A linearizability checker: was what was seen possible? Checks a history of enrollments, deletions and searches on
one gallery of several servers.

Ids are used once. A write is (id, group, begun, ended, outcome): outcome True when it was acknowledged, False when
it was refused, None when nobody knows. A search is (group, begun, ended, ids): the ids of that group that it
named.
"""

import collections

INFINITY = float("inf")
Write = collections.namedtuple("Write", "id group begun ended outcome")
Search = collections.namedtuple("Search", "group begun ended ids")


class History:
    def __init__(self, enrolments, deletions, searches):
        self.enrolments = {w.id: w for w in enrolments if w.outcome is not False}
        self.deletions = {w.id: w for w in deletions if w.outcome is not False}
        self.searches = searches

    def presence(self, identity):
        """((from, to) within which it may have been there, (until, since) outside of which it must have been)."""
        enrolment, deletion = self.enrolments[identity], self.deletions.get(identity)
        may = (enrolment.begun, deletion.ended if deletion and deletion.outcome else INFINITY)
        absent = (enrolment.ended if enrolment.outcome else INFINITY, deletion.begun if deletion else INFINITY)
        return may, absent

    def explain(self, search):
        """None when the result is true of some moment during the search; else what contradicts it."""
        unknown = [i for i in search.ids if i not in self.enrolments]
        if unknown:
            return f"it named {unknown}, whom nobody enrolled"
        low, high = search.begun, search.ended
        holes = []  # impossible moments: a person was there and was not named
        for identity, enrolment in self.enrolments.items():
            if enrolment.group != search.group:
                continue
            (since, until), (absent_until, absent_since) = self.presence(identity)
            if identity in search.ids:
                low, high = max(low, since), min(high, until)
            elif absent_until < absent_since:
                holes.append((absent_until, absent_since))
        for moment in [low, *(end for _, end in holes)]:
            if low <= moment <= high and not any(begin < moment < end for begin, end in holes):
                return None
        return (
            f"no moment between {low} and {high} has exactly {sorted(search.ids)}; whoever was there: {sorted(holes)}"
        )

    def failures(self):
        return [
            f"search {s.begun:.4f}..{s.ended:.4f} of {s.group}: {why}"
            for s in self.searches
            if (why := self.explain(s))
        ]

    def final_failures(self, listed):
        """What is wrong with the ids that are there at the end, when nothing is in progress any more."""
        found = []
        for identity in set(listed) | set(self.enrolments):
            enrolment, deletion = self.enrolments.get(identity), self.deletions.get(identity)
            if enrolment is None:
                found.append(f"{identity} is there and was never enrolled")
            elif identity in listed and deletion and deletion.outcome:
                found.append(f"{identity} is there and was deleted")
            elif identity not in listed and enrolment.outcome and not deletion:
                found.append(f"{identity} was enrolled and is not there")
        return found
