"""A versioned bucket with deleted objects can be emptied, as `gradectl destroy local` does."""

from __future__ import annotations

import boto3

from gradectl.local.control_plane.server import ControlPlane


def test_the_last_version_of_a_key_may_be_a_delete_marker() -> None:
    """All versions and markers are deleted, and then the bucket itself."""
    plane = ControlPlane()
    plane.start()
    try:
        s3 = boto3.client(
            "s3",
            endpoint_url=plane.url,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        s3.create_bucket(Bucket="markers")
        s3.put_bucket_versioning(Bucket="markers", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="markers", Key="a", Body=b"1")
        s3.delete_object(Bucket="markers", Key="a")
        listed = s3.list_object_versions(Bucket="markers")
        versions = [*listed["Versions"], *listed["DeleteMarkers"]]
        keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]

        s3.delete_objects(Bucket="markers", Delete={"Objects": keys})

        assert len(keys) == 2
        s3.delete_bucket(Bucket="markers")
        s3.close()
    finally:
        plane.stop()
