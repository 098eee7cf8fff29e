# SPDX-License-Identifier: MIT
"""`cmake --install` under a prefix: what is there works from there, and all goes again."""
import os
import subprocess
import tarfile

from installed import BUILD, ROOT, cpack, install, run

CONF = "etc/trawlwatch/trawlwatch.yaml"


def all_files(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder)
                  for at, _, names in os.walk(folder) for name in names)


def test_it_runs_from_its_prefix(tmp_path):
    prefix = tmp_path / "prefix"
    install(prefix)
    done = run(prefix / "sbin/trawlwatchd", "-t", "-c", prefix / CONF, cwd=tmp_path)
    # The shipped rules are those of this prefix, not of the tree that it was built in.
    assert f"from {prefix}/share/trawlwatch/rules" in done.stdout
    assert ROOT not in done.stdout.replace(str(prefix), "")
    done = run(prefix / "bin/trawlctl", "test", prefix / "share/trawlwatch/rules",
               cwd=tmp_path)
    assert " cases, 0 differ" in done.stdout
    assert run(prefix / "sbin/trawl-enforce", "-V").stdout.startswith("trawl-enforce ")


def test_units_name_the_prefix(tmp_path):
    prefix = tmp_path / "prefix"
    install(prefix)
    text = (prefix / "lib/systemd/system/trawlwatchd.service").read_text()
    assert f"ExecStart={prefix}/sbin/trawlwatchd -c {prefix}/{CONF}\n" in text
    assert "=/usr/" not in text


def test_a_changed_configuration_stays(tmp_path):
    prefix = tmp_path / "prefix"
    install(prefix)
    (prefix / CONF).write_text("log: { level: debug }\n")
    install(prefix)
    assert (prefix / CONF).read_text() == "log: { level: debug }\n"


def test_the_manual_can_be_read(tmp_path):
    prefix = tmp_path / "prefix"
    install(prefix)
    for page in ("man8/trawlwatchd.8", "man8/trawl-enforce.8", "man1/trawlctl.1",
                 "man5/trawlwatch-rules.5"):
        text = run("gzip", "-dc", prefix / f"share/man/{page}.gz").stdout
        assert ".TH" in text and ".SH" in text


def test_completion_is_found_by_its_name(tmp_path):
    prefix = tmp_path / "prefix"
    install(prefix)
    script = prefix / "share/bash-completion/completions/trawlctl"
    done = run("bash", "-c", 'source "$1" && complete -p trawlctl', "-", script)
    assert "trawlctl" in done.stdout


def test_uninstall_leaves_nothing(tmp_path):
    prefix = tmp_path / "prefix"
    (prefix / "share/doc").mkdir(parents=True)
    (prefix / "share/doc/somebody-elses").write_text("")
    install(prefix)
    assert len(all_files(prefix)) > 40
    run("cmake", "--build", BUILD, "--target", "uninstall")
    assert all_files(prefix) == ["share/doc/somebody-elses"]
    left = [at for at, _, _ in os.walk(prefix) if "trawl" in os.path.relpath(at, prefix)]
    assert left == []


def test_the_source_tarball_is_the_tree(tmp_path):
    """What git knows is in it, and nothing that was made; it configures."""
    made = cpack(str(tmp_path), "CPackSourceConfig.cmake", ".tar.gz")
    with tarfile.open(made) as tar:
        tar.extractall(tmp_path / "out")
    top, = os.listdir(tmp_path / "out")
    tree = tmp_path / "out" / top
    packed = set(all_files(tree))
    known = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=False,
                           capture_output=True, text=True)
    if known.returncode == 0:
        names = {name for name in known.stdout.split("\0") if name}
        names = {name for name in names if os.path.exists(os.path.join(ROOT, name))}
        assert names - packed == set(), "missing in the tarball"
    assert not [name for name in packed if "build" in name.split("/")[0] or
                name.endswith(".pyc") or name.startswith(".git/")]
    run("cmake", "-S", tree, "-B", tree / "build", "-G", "Ninja",
        "-DTRAWLWATCH_TESTS=OFF", "-DCMAKE_BUILD_TYPE=Debug")  # which is built soonest
    run("cmake", "--build", tree / "build", "--target", "trawlctl", "manual")
    assert "rules: " in run(tree / "build/bin/trawlctl", "check", cwd=tmp_path).stdout
