# SPDX-License-Identifier: MIT
"""What the package tests share: installing under a prefix, making the package."""
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("TRAWLWATCH_BUILD", os.path.join(ROOT, "build"))
EXAMPLES = os.path.join(ROOT, "tools/trawl-enforce/examples/systemd")


def run(*command, check=True, **more):
    """The process that has ended; its output in the error when it failed."""
    done = subprocess.run([str(c) for c in command], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}\n"
                             f"{done.stdout[-6000:]}")
    return done


def install(prefix):
    run("cmake", "--install", BUILD, "--prefix", prefix)


def cpack(folder, config="CPackConfig.cmake", suffix=".deb"):
    """Makes what the configuration is for; its path below `folder`."""
    os.makedirs(folder, exist_ok=True)
    run("cpack", "--config", os.path.join(BUILD, config), "-B", folder, cwd=BUILD)
    made = [name for name in os.listdir(folder) if name.endswith(suffix)]
    assert len(made) == 1, made
    return os.path.join(folder, made[0])


def have(program):
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is not None
