"""Reads the part of the Dockerfile language that packaging/Dockerfile uses; anything else is an error."""

import json
import re
import shlex

INSTRUCTIONS = {"FROM", "RUN", "COPY", "USER", "ENV", "WORKDIR", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


class Stage:
    def __init__(self, image, name):
        self.image, self.name, self.steps = image, name, []

    def arguments(self, instruction):
        return [text for word, text in self.steps if word == instruction]

    def command(self, instruction):
        """The list of ENTRYPOINT ["..."], CMD ["..."] or HEALTHCHECK --options CMD ["..."]."""
        return json.loads(self.arguments(instruction)[-1][self.arguments(instruction)[-1].index("[") :])

    def environment(self):
        return dict(pair.split("=", 1) for text in self.arguments("ENV") for pair in shlex.split(text))


def read(text):
    """The stages, in order."""
    stages = []
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        instruction, rest = line.split(None, 1)
        if instruction not in INSTRUCTIONS:
            raise ValueError(f"{instruction} is not known")
        if instruction == "FROM":
            words = rest.split()
            stages.append(Stage(words[0], words[2] if words[1:2] == ["AS"] else None))
        else:
            stages[-1].steps.append((instruction, " ".join(rest.split())))
    return stages


def options(text):
    """("--from=build --x=y a b") -> ({"from": "build", "x": "y"}, "a b")"""
    found = {}
    while match := re.match(r"--([\w-]+)=(\S+)\s+", text):
        found[match[1]] = match[2]
        text = text[match.end() :]
    return found, text
