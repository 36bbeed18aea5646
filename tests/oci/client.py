"""Pushes and pulls artifacts with a client that we did not write.

client.py pull REGISTRY/REPOSITORY@DIGEST FOLDER        prints the file
client.py push REGISTRY/REPOSITORY:TAG FILE CONFIG      prints the digest of the manifest

The name and the password are in OCI_USERNAME and OCI_PASSWORD.
"""

import os
import sys

import oras.client

command, target, *rest = sys.argv[1:]
client = oras.client.OrasClient(hostname=target.split("/")[0], insecure=True, auth_backend="basic")
client.auth.set_basic_auth(os.environ["OCI_USERNAME"], os.environ["OCI_PASSWORD"])
if command == "pull":
    print(*client.pull(target=target, outdir=rest[0]), sep="\n")
else:
    file, config = rest
    answer = client.push(
        target=target,
        files=[f"{file}:application/wasm"],
        manifest_config=f"{config}:application/vnd.wasm.config.v0+json",
        disable_path_validation=True,
    )
    print(answer.headers["Docker-Content-Digest"])
