# SPDX-License-Identifier: MIT
"""Certificates for tests, made with openssl."""
import os
import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Authority:
    """A CA in a folder of its own; `make` gives the paths of a certificate and its key."""

    def __init__(self, folder, name="ca"):
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        self.ca, self.key = self._path("ca.pem"), self._path("ca.key")
        openssl("req", "-x509", *self._new_key(self.key), "-out", self.ca, "-days", "2",
                "-subj", "/CN=" + name)

    def _path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def _new_key(path):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", path]

    def make(self, name, subjects="IP:127.0.0.1", days=2):
        cert, key, request = (self._path(name + end) for end in (".pem", ".key", ".csr"))
        extensions = self._path(name + ".ext")
        with open(extensions, "w") as file:
            file.write("subjectAltName=" + subjects + "\n")
        openssl("req", *self._new_key(key), "-out", request, "-subj", "/CN=" + name)
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.key,
                "-CAcreateserial", "-days", str(days), "-out", cert, "-extfile", extensions)
        return cert, key
