"""A release has the same bytes for the same source, and its list names every file."""

import hashlib
import json
import subprocess
import tarfile
import unittest

import release


@release.needed
class Release(unittest.TestCase):
    def test_two_builds_in_different_folders_are_the_same_bytes(self):
        sums = [(release.released(name) / "SHA256SUMS").read_text() for name in ("one", "quite-another-name")]
        self.assertEqual(len(sums[0].splitlines()), 6)
        self.assertEqual(*sums)

    def test_it_has_every_kind_of_package(self):
        version = release.one("*.spdx.json").name.removeprefix("semblance-").removesuffix(".spdx.json")
        for pattern in (
            f"semblance-{version}-linux-*.tar.gz",
            f"semblance_{version}_*.deb",
            f"semblance-{version}-py3-none-manylinux_*.whl",
            f"semblance-{version}.tgz",
            f"semblance-chart-{version}.tgz",
        ):
            self.assertTrue(release.one(pattern).is_file(), pattern)

    def test_the_checksums_are_those_of_the_files(self):
        subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=release.released("one"), check=True)

    def test_every_file_shipped_is_listed_with_its_checksum_and_a_licence(self):
        listed = json.loads(release.one("*.spdx.json").read_text())
        files = {file["fileName"].removeprefix("./"): file for file in listed["files"]}
        with tarfile.open(release.one("*.tar.gz")) as tar:
            shipped = {member.name.split("/", 1)[1]: member for member in tar if member.isfile()}
            self.assertEqual(set(shipped), set(files))
            for name, member in shipped.items():
                sums = {c["algorithm"]: c["checksumValue"] for c in files[name]["checksums"]}
                self.assertEqual(sums["SHA256"], hashlib.sha256(tar.extractfile(member).read()).hexdigest(), name)
        self.assertTrue(all(file["licenseConcluded"] not in ("", "NOASSERTION") for file in files.values()))

    def test_the_list_has_unique_ids_and_no_dangling_relationship(self):
        listed = json.loads(release.one("*.spdx.json").read_text())
        known = [item["SPDXID"] for item in [listed, *listed["packages"], *listed["files"]]]
        self.assertEqual(len(known), len(set(known)))
        for relation in listed["relationships"]:
            self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, set(known))
        models = [package for package in listed["packages"] if package["name"].startswith("model-")]
        self.assertGreaterEqual(len(models), 9)
        self.assertTrue(all(package["externalRefs"] and package["comment"] for package in models))


if __name__ == "__main__":
    unittest.main()
