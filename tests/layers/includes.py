# SPDX-License-Identifier: MIT
"""Which include lines of daemon/ break the layers.

A folder may include itself and the folders that daemon/CMakeLists.txt names
before it. A header x_priv.h is for its own folder. A library that the design
wraps in one place is included there only.
"""
import re
from pathlib import Path

# What a header belongs to, and the folders that may touch it.
LIBRARIES = {
    r"pcap(/|\.h)": {"capture"},
    r"hiredis/": {"alert"},
    r"event2/": {"alert", "app"},
    r"yaml\.h": {"lang"},
    r"pcre2\.h": {"lang"},
    r"ares\.h": {"app"},
    r"maxminddb\.h": {"observe"},
    r"jansson\.h": {"observe"},
    r"openssl/": {"tls", "detect", "alert"},
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def layer_order(daemon: Path) -> list[str]:
    text = (daemon / "CMakeLists.txt").read_text()
    return re.findall(r"^\s*add_subdirectory\((\w+)\)", text, re.M)


def mistakes_of(path: Path, daemon: Path, order: list[str]) -> list[str]:
    folder = path.relative_to(daemon).parts[0]
    text = path.read_text()
    found = []
    for match in INCLUDE.finditer(text):
        bracket, name = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        where = f"{path.relative_to(daemon)}:{line}: {name}"
        if bracket == "<":
            for pattern, folders in LIBRARIES.items():
                if re.match(pattern, name) and folder not in folders:
                    found.append(f"{where}: only {', '.join(sorted(folders))} may")
            continue
        target = name.split("/")[0]
        if "/" not in name:
            found.append(f"{where}: name the folder, as in base/{name}")
        elif target not in order:
            found.append(f"{where}: {target} is no layer")
        elif order.index(target) > order.index(folder):
            found.append(f"{where}: {folder} is below {target}")
        elif name.endswith("_priv.h") and target != folder:
            found.append(f"{where}: private to {target}")
    return found


def mistakes(daemon: Path) -> list[str]:
    order = layer_order(daemon)
    found = []
    for path in sorted(daemon.rglob("*.[ch]")):
        folder = path.relative_to(daemon).parts[0]
        if folder not in order:
            found.append(f"{path.relative_to(daemon)}: {folder} is no layer")
        else:
            found += mistakes_of(path, daemon, order)
    return found
