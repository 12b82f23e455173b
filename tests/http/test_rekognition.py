"""Amazon Rekognition's JSON calls for collections, in the shapes that boto3 sends and reads, and by boto3 itself."""

import base64
import json
import subprocess
import textwrap
import unittest

from program import FRIENDS
from test_compreface import PEERS
from test_native import BIDEN, GREY, GROUP, OBAMA, OBAMA2, OBAMA3, SIX, SharedServerCase

NOBODY = "00000000-0000-4000-8000-00000000ffff"


class Rekognition(SharedServerCase):
    def call(self, name, status=200, **body):
        headers = {"X-Amz-Target": f"RekognitionService.{name}", "Content-Type": "application/x-amz-json-1.1"}
        return self.get("/", status, "POST", json.dumps(body), headers)

    def refuse(self, exception, name, **body):
        answer = self.call(name, 400, **body)
        self.assertEqual((answer["__type"], answer["Code"]), (exception, exception), answer)
        return answer["Message"]

    def image(self, photo):
        return {"Bytes": base64.b64encode(photo).decode()}

    def index(self, photo, **more):
        return self.call("IndexFaces", CollectionId="friends", Image=self.image(photo), **more)

    def make(self):
        self.call("CreateCollection", CollectionId="friends")
        (record,) = self.index(OBAMA, ExternalImageId="barack", MaxFaces=1)["FaceRecords"]
        (other,) = self.index(BIDEN)["FaceRecords"]
        return record["Face"]["FaceId"], other["Face"]["FaceId"]

    def test_collections_are_made_listed_described_and_deleted(self):
        made = self.call("CreateCollection", CollectionId="friends")
        self.assertEqual((made["StatusCode"], made["CollectionArn"].split("/")[1]), (200, "friends"))
        self.assertIn(
            "already", self.refuse("ResourceAlreadyExistsException", "CreateCollection", CollectionId="friends")
        )
        self.assertIn("a-z", self.refuse("InvalidParameterException", "CreateCollection", CollectionId="My.Friends"))
        for name in ("one", "two"):
            self.call("CreateCollection", CollectionId=name)
        seen, token = [], ""
        while token is not None:
            page = self.call("ListCollections", MaxResults=2, **({"NextToken": token} if token else {}))
            self.assertEqual(len(page["CollectionIds"]), len(page["FaceModelVersions"]))
            seen += page["CollectionIds"]
            token = page.get("NextToken")
        self.assertEqual(sorted(set(seen) - {"default"}), ["friends", "one", "two"])
        self.assertEqual(len(seen), len(set(seen)))
        self.refuse("InvalidParameterException", "ListCollections", NextToken="no such page")
        self.index(OBAMA, ExternalImageId="barack")
        described = self.call("DescribeCollection", CollectionId="friends")
        self.assertEqual((described["FaceCount"], described["UserCount"]), (1, 1))
        self.assertGreater(described["CreationTimestamp"], 1.7e9)
        self.assertEqual(self.call("DeleteCollection", CollectionId="friends"), {"StatusCode": 200})
        for name in ("DeleteCollection", "DescribeCollection", "ListFaces", "ListUsers"):
            self.refuse("ResourceNotFoundException", name, CollectionId="friends")

    def test_faces_are_indexed_searched_listed_by_pages_and_deleted(self):
        first, other = self.make()
        again = self.index(OBAMA2, ExternalImageId="barack", DetectionAttributes=["ALL"])["FaceRecords"][0]
        detail = again["FaceDetail"]
        self.assertEqual(again["Face"]["BoundingBox"], detail["BoundingBox"])
        self.assertLess(detail["AgeRange"]["Low"], detail["AgeRange"]["High"])
        self.assertEqual(detail["Gender"]["Value"], "Male")
        self.assertEqual(self.get("/v1/people/barack?collection=friends")["faces"], 2)
        found = self.call("SearchFacesByImage", CollectionId="friends", Image=self.image(OBAMA3))
        (match,) = found["FaceMatches"]
        self.assertEqual((match["Face"]["ExternalImageId"], match["Face"]["UserId"]), ("barack", "barack"))
        self.assertIn(match["Face"]["FaceId"], (first, again["Face"]["FaceId"]))
        self.assertTrue(80 <= match["Similarity"] <= 100 and found["SearchedFaceConfidence"] > 50)
        self.assertTrue(all(0 < found["SearchedFaceBoundingBox"][side] < 1 for side in ("Width", "Height", "Left")))
        stranger = self.call("SearchFacesByImage", CollectionId="friends", Image=self.image(BIDEN), MaxFaces=1)
        self.assertEqual([m["Face"] for m in stranger["FaceMatches"]], [{"FaceId": other}])
        near = self.call("SearchFaces", CollectionId="friends", FaceId=first, FaceMatchThreshold=0)
        self.assertEqual((near["SearchedFaceId"], [m["Face"]["FaceId"] for m in near["FaceMatches"]]), (first, [other]))
        self.assertEqual(self.call("SearchFaces", CollectionId="friends", FaceId=first)["FaceMatches"], [])
        seen, token = [], ""
        while token is not None:
            page = self.call(
                "ListFaces", CollectionId="friends", MaxResults=1, **({"NextToken": token} if token else {})
            )
            seen += [face["FaceId"] for face in page["Faces"]]
            token = page.get("NextToken")
        self.assertEqual(seen, [first, other, again["Face"]["FaceId"]])
        named = self.call("ListFaces", CollectionId="friends", FaceIds=[other, NOBODY, first])["Faces"]
        self.assertEqual([face["FaceId"] for face in named], [other, first])
        mine = self.call("ListFaces", CollectionId="friends", UserId="barack")["Faces"]
        self.assertEqual(len(mine), 2)
        gone = self.call("DeleteFaces", CollectionId="friends", FaceIds=[other, NOBODY, "x"])
        self.assertEqual(gone["DeletedFaces"], [other])
        self.assertEqual([f["Reasons"] for f in gone["UnsuccessfulFaceDeletions"]], [["FACE_NOT_FOUND"]] * 2)
        self.assertEqual(self.call("DescribeCollection", CollectionId="friends")["UserCount"], 1)
        self.refuse("ResourceNotFoundException", "SearchFaces", CollectionId="friends", FaceId=other)

    def test_the_faces_of_a_group_are_different_people_under_one_external_image_id(self):
        self.call("CreateCollection", CollectionId="friends")
        group = self.index(GROUP, ExternalImageId="party.jpg", QualityFilter="NONE", MaxFaces=3)
        self.assertEqual([r["Face"]["ExternalImageId"] for r in group["FaceRecords"]], ["party.jpg"] * 3)
        self.assertNotIn("UserId", group["FaceRecords"][0]["Face"])
        self.assertEqual([f["Reasons"] for f in group["UnindexedFaces"]], [["EXCEEDS_MAX_FACES"]] * 2)
        self.assertEqual(self.call("DescribeCollection", CollectionId="friends")["UserCount"], 3)
        self.assertEqual(self.call("ListUsers", CollectionId="friends")["Users"], [])
        found = self.call("SearchFacesByImage", CollectionId="friends", Image=self.image(GROUP))["FaceMatches"]
        self.assertEqual(found[0]["Face"]["ExternalImageId"], "party.jpg")
        self.assertIn(found[0]["Face"]["FaceId"], [r["Face"]["FaceId"] for r in group["FaceRecords"]])
        self.assertEqual(self.index(GREY)["FaceRecords"], [])
        poor = self.index(SIX)["UnindexedFaces"]
        self.assertTrue(all(set(f) == {"Reasons", "FaceDetail"} for f in poor))

    def test_photos_are_compared_and_faces_described(self):
        two = {"SourceImage": self.image(OBAMA), "TargetImage": self.image(OBAMA2)}
        same = self.call("CompareFaces", **two)
        self.assertEqual((len(same["FaceMatches"]), same["UnmatchedFaces"]), (1, []))
        self.assertGreater(same["FaceMatches"][0]["Similarity"], 80)
        self.assertEqual(self.call("CompareFaces", SimilarityThreshold=100, **two)["FaceMatches"], [])
        other = self.call("CompareFaces", SourceImage=self.image(BIDEN), TargetImage=self.image(GROUP))
        self.assertEqual((other["FaceMatches"], len(other["UnmatchedFaces"])), ([], 5))
        (face,) = self.call("DetectFaces", Image=self.image(OBAMA))["FaceDetails"]
        self.assertEqual(set(face), {"BoundingBox", "Confidence", "Landmarks", "Quality", "Pose"})
        points = {point["Type"]: point["X"] for point in face["Landmarks"]}
        self.assertLess(points["eyeLeft"], points["eyeRight"])
        self.assertEqual(self.call("DetectFaces", Image=self.image(GREY)), {"FaceDetails": []})

    def test_faces_are_associated_with_users_who_are_then_found(self):
        first, other = self.make()
        friends = {"CollectionId": "friends"}
        self.assertEqual(self.call("CreateUser", **friends, UserId="joe"), {})
        self.refuse("ConflictException", "CreateUser", **friends, UserId="joe")
        self.refuse("ResourceNotFoundException", "AssociateFaces", **friends, UserId="nobody", FaceIds=[other])
        self.index(OBAMA2, ExternalImageId="barack")
        done = self.call("AssociateFaces", **friends, UserId="joe", FaceIds=[other, first, NOBODY])
        self.assertEqual(done["AssociatedFaces"], [{"FaceId": other}])
        self.assertEqual(
            [f["Reasons"][0] for f in done["UnsuccessfulFaceAssociations"]],
            ["ASSOCIATED_TO_A_DIFFERENT_USER", "FACE_NOT_FOUND"],  # barack has a face that the call does not name
        )
        users = self.call("ListUsers", **friends)["Users"]
        self.assertEqual([(u["UserId"], u["UserStatus"]) for u in users], [("barack", "ACTIVE"), ("joe", "ACTIVE")])
        page = self.call("ListUsers", **friends, MaxResults=1)
        more = self.call("ListUsers", **friends, NextToken=page["NextToken"])
        self.assertEqual([u["UserId"] for u in page["Users"] + more["Users"]], ["barack", "joe"])
        found = self.call("SearchUsersByImage", **friends, Image=self.image(BIDEN))
        self.assertEqual([m["User"]["UserId"] for m in found["UserMatches"]], ["joe"])
        self.assertIn("BoundingBox", found["SearchedFace"]["FaceDetail"])
        own = self.call("SearchUsers", **friends, FaceId=other)
        self.assertEqual([m["User"]["UserId"] for m in own["UserMatches"]], ["joe"])
        self.assertIn("DeleteFaces", self.refuse("InvalidParameterException", "DeleteUser", **friends, UserId="joe"))
        self.call("CreateUser", **friends, UserId="empty")
        self.assertEqual(self.call("DeleteUser", **friends, UserId="empty"), {})
        self.refuse("ResourceNotFoundException", "DeleteUser", **friends, UserId="empty")

    def test_refusals_say_why(self):
        self.call("CreateCollection", CollectionId="friends")
        photo = self.image(OBAMA)
        stored = {"S3Object": {"Bucket": "photos", "Name": "me.jpg"}}
        friends = {"CollectionId": "friends"}
        for exception, word, name, body in (
            ("InvalidParameterException", "CollectionId is missing", "ListFaces", {}),
            ("InvalidParameterException", "Image.S3Object", "DetectFaces", {"Image": stored}),
            ("InvalidParameterException", "Image.Bytes", "DetectFaces", {"Image": {}}),
            ("InvalidParameterException", "Image.Bytes", "DetectFaces", {"Image": "x"}),
            ("InvalidImageFormatException", "", "DetectFaces", {"Image": self.image(b"not a photo" * 9)}),
            ("InvalidParameterException", "Attributes has", "DetectFaces", {"Image": photo, "Attributes": ["SMILE"]}),
            ("InvalidParameterException", "no faces", "SearchFacesByImage", {**friends, "Image": self.image(GREY)}),
            (
                "InvalidParameterException",
                "QualityFilter",
                "IndexFaces",
                {**friends, "Image": photo, "QualityFilter": "HIGH"},
            ),
            ("InvalidParameterException", "MaxFaces", "IndexFaces", {**friends, "Image": photo, "MaxFaces": 0}),
            ("InvalidParameterException", "NextToken", "ListFaces", {**friends, "NextToken": "-1"}),
            ("InvalidParameterException", "FaceIds is missing", "DeleteFaces", friends),
            ("InvalidParameterException", "UserId is not", "SearchUsers", {**friends, "UserId": "x"}),
            (
                "InvalidParameterException",
                "UserMatchThreshold",
                "AssociateFaces",
                {**friends, "UserId": "x", "UserMatchThreshold": 99},
            ),
            ("ResourceNotFoundException", "image", "SearchFaces", {**friends, "FaceId": "1"}),
            ("ResourceNotFoundException", "collection", "IndexFaces", {"CollectionId": "none", "Image": photo}),
            ("UnknownOperationException", "X-Amz-Target", "DetectLabels", {"Image": {"Bytes": "x" * 100_000}}),
        ):
            with self.subTest(call=name, body=str(body)[:60]):
                self.assertIn(word, self.refuse(exception, name, **body))
        self.assertEqual(self.server.request("GET", "/")[0], 200)  # the page
        self.assertEqual(self.server.request("GET", "/", headers={"X-Amz-Target": "x"})[0], 200)
        self.assertIn("X-Amz-Target is missing", self.get("/", 400, "POST", "{}")["Message"])

    @unittest.skipUnless(PEERS.exists(), "the clients of PyPI are not installed (script/setup --tests)")
    def test_boto3_works(self):
        script = textwrap.dedent(f"""
            import boto3
            client = boto3.client(
                "rekognition", endpoint_url="http://127.0.0.1:{self.server.port}", region_name="us-east-1",
                aws_access_key_id="any", aws_secret_access_key="any", aws_session_token="the API key",
            )

            def photo(name):
                return {{"Bytes": open(f"{FRIENDS}/{{name}}.jpg", "rb").read()}}

            assert client.create_collection(CollectionId="friends")["StatusCode"] == 200
            for name in ("obama", "biden"):
                record = client.index_faces(CollectionId="friends", Image=photo(name), ExternalImageId=name, MaxFaces=1)
                assert record["FaceRecords"][0]["Face"]["ExternalImageId"] == name, record
            found = client.search_faces_by_image(CollectionId="friends", Image=photo("obama2"), FaceMatchThreshold=90)
            assert [m["Face"]["ExternalImageId"] for m in found["FaceMatches"]] == ["obama"], found
            lists = client.get_paginator("list_faces")
            pages = lists.paginate(CollectionId="friends", PaginationConfig={{"PageSize": 1}})
            faces = [face for page in pages for face in page["Faces"]]
            assert [face["ExternalImageId"] for face in faces] == ["obama", "biden"]
            pair = client.compare_faces(SourceImage=photo("obama"), TargetImage=photo("obama3"))
            assert pair["FaceMatches"][0]["Similarity"] > 80, pair
            assert client.describe_collection(CollectionId="friends")["CreationTimestamp"].year > 2020
            try:
                client.create_user(CollectionId="friends", UserId="obama")
            except client.exceptions.ConflictException as refused:
                assert "registered" in str(refused), refused
            else:
                raise AssertionError("a user was made twice")
            client.delete_collection(CollectionId="friends")
        """)
        done = subprocess.run([PEERS, "-c", script], capture_output=True, text=True, timeout=300, check=False)
        if "No module named 'boto3'" in done.stderr:
            self.skipTest("boto3 is not installed (script/setup --tests)")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
