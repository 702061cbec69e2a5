"""The official SDK of S3 and an independent implementation of it, both beside `404-cli upload`.

What `404-cli` uploads into the sandbox, boto3 reads; what boto3 wrote, `404-cli` leaves alone. And `404-cli` uploads into
the moto server, which shares no code with the sandbox.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
import botocore.config
import botocore.exceptions
from moto.server import ThreadedMotoServer

from sandbox import proven, sandbox

MODULE = "export default function generate(THREE) { return new THREE.Group(); } // módulo %d\n"
TYPE = "text/javascript; charset=utf-8"


def client(url, key, secret, region="us-east-1"):
    config = botocore.config.Config(s3={"addressing_style": "path"}, proxies={}, retries={"max_attempts": 1})
    return boto3.client("s3", endpoint_url=url, aws_access_key_id=key, aws_secret_access_key=secret,
                        region_name=region, config=config)


def upload(binary, folder, place, url, key, secret, *options, code=0):
    environment = {"HOME": os.environ["HOME"], "PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": key,
                   "AWS_SECRET_ACCESS_KEY": secret, "AWS_ENDPOINT_URL": url}
    line = [binary, "upload", "--data-dir", folder, "--to", place, *options]
    result = subprocess.run(line, stdout=subprocess.PIPE, text=True, timeout=180, env=environment)
    said = json.loads(result.stdout)
    assert result.returncode == code, said
    return said


def counts(said):
    return said["uploaded"], said["replaced"], said["unchanged"]


def modules(folder, count):
    for number in range(count):
        Path(folder, f"stem{number}.js").write_text(MODULE % number)


def with_the_sdk(binary, folder, info):
    access = info["storage"]
    keys = access["endpoint_url"], access["access_key_id"], access["secret_access_key"]
    s3, bucket, place = client(*keys), access["bucket"], f"s3://{access['bucket']}/17"
    public = f"{info['cdn']}17"
    assert counts(upload(binary, folder, place, *keys, "--public-url", public)) == (5, 0, 0)
    read = s3.get_object(Bucket=bucket, Key="17/stem3.js")
    assert read["Body"].read().decode() == MODULE % 3 and read["ContentType"] == TYPE, read
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="17/")["Contents"]
    assert [entry["Key"] for entry in listed] == [f"17/stem{number}.js" for number in range(5)], listed
    proven("boto3 reads what 404-cli uploaded, and finds nothing else")

    Path(folder, "stem5.js").write_text(MODULE % 5)
    s3.upload_file(str(Path(folder, "stem5.js")), bucket, "17/stem5.js")
    s3.put_object(Bucket=bucket, Key="17/stem3.js", Body=b"something else")
    before = s3.head_object(Bucket=bucket, Key="17/stem5.js")["LastModified"]
    assert counts(upload(binary, folder, place, *keys, "--public-url", public)) == (0, 1, 5)
    assert s3.head_object(Bucket=bucket, Key="17/stem5.js")["LastModified"] == before
    proven("404-cli leaves alone what boto3 uploaded, and replaces what is something else")

    upload(binary, folder, place, keys[0], keys[1], "another secret".replace(" ", "-"), code=2)
    try:
        client(keys[0], keys[1], "another-secret").list_objects_v2(Bucket=bucket)
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "SignatureDoesNotMatch", error
    else:
        raise AssertionError("a wrong secret was taken")
    proven("a wrong secret is refused to both")


def with_moto(binary, folder):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        keys = f"http://{host}:{port}", "testing", "testing"
        s3 = client(*keys)
        s3.create_bucket(Bucket="my.cdn")
        said = upload(binary, folder, "s3://my.cdn/a b/17", *keys)
        assert counts(said) == (6, 0, 0), said
        read = s3.get_object(Bucket="my.cdn", Key="a b/17/stem2.js")
        assert read["Body"].read().decode() == MODULE % 2 and read["ContentType"] == TYPE, read
        assert s3.list_objects_v2(Bucket="my.cdn")["KeyCount"] == 6, "no probe is left"
        proven("404-cli uploads into an independent S3, keys with spaces included")

        # In parts, as the SDK does with what is large: the ETag is no MD5 then.
        body = (MODULE % 1).encode()
        part = s3.create_multipart_upload(Bucket="my.cdn", Key="a b/17/stem1.js")["UploadId"]
        name = {"Bucket": "my.cdn", "Key": "a b/17/stem1.js", "UploadId": part}
        etag = s3.upload_part(**name, PartNumber=1, Body=body)["ETag"]
        s3.complete_multipart_upload(**name, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
        head = s3.head_object(Bucket="my.cdn", Key="a b/17/stem1.js")
        assert head["ETag"].strip('"').endswith("-1"), head
        said = upload(binary, folder, "s3://my.cdn/a b/17", *keys)
        assert counts(said) == (0, 0, 6), said
        assert s3.head_object(Bucket="my.cdn", Key="a b/17/stem1.js")["LastModified"] == head["LastModified"]
        proven("404-cli recognises an object that came in parts")

        said = upload(binary, folder, "s3://nobodys", *keys, code=2)
        assert "no bucket `nobodys`" in said["error"], said
        proven("404-cli names a bucket that is not there")
    finally:
        server.stop()


with tempfile.TemporaryDirectory() as work:
    modules(work, 5)
    with sandbox(sys.argv[1]) as info:
        with_the_sdk(sys.argv[1], work, info)
    with_moto(sys.argv[1], work)
