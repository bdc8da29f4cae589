"""Lets PyPI's Linux build of PyTorch run on the CPU without gigabytes of CUDA libraries.

That build links a dozen CUDA libraries (about 3 GB) which a CPU program loads and never calls.
For each one this writes a tiny shared library of the same name next to torch's own, holding the
symbols that torch asks of it; calling any of them aborts. The CUDA runtime itself (1 MB) is real:
torch registers its kernels with it at start. A build of torch without CUDA needs none of this, and
gets none.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

STOOD_IN_FOR = re.compile(r"lib(cu|nv|nccl)(?!dart|da\.so)")


def lines_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def needed_libraries(library):
    """The names of the shared libraries that `library` is linked with."""
    lines = "\n".join(lines_of("readelf", "-dW", library))
    return re.findall(r"\(NEEDED\).*\[(.+)\]", lines)


def needed_versions(library):
    """{version tag: name of the library that must define it}, of those stood in for."""
    tags, provider = {}, None
    for line in lines_of("readelf", "-VW", library):
        if found := re.search(r"File: (\S+)", line):
            provider = found[1]
        elif (found := re.search(r"Name: (\S+)", line)) and provider:
            if STOOD_IN_FOR.match(provider):
                tags[found[1]] = provider
    return tags


def collect(torch_lib):
    """{library name: {version tag or "": {symbols}}} over all of torch's own libraries."""
    wanted = {}
    for library in sorted(torch_lib.glob("*.so")):
        tags = needed_versions(library)
        untagged = {}  # a library without versions is told by its symbols' common beginning
        for name in filter(STOOD_IN_FOR.match, needed_libraries(library)):
            wanted.setdefault(name, {})
            if name not in tags.values():
                untagged[name[len("lib"):name.index(".so")].lower()] = name
        for line in lines_of("nm", "-D", "--undefined-only", library):
            symbol, _, tag = line.split()[-1].partition("@")
            owner = tags.get(tag) if tag else next(
                (name for stem, name in untagged.items() if symbol.lower().startswith(stem)), None)
            if owner:
                wanted[owner].setdefault(tag, set()).add(symbol)
    return wanted


def write_stand_in(path, symbols_by_tag):
    symbols = sorted(set().union(*symbols_by_tag.values()))
    versions = "".join(f"{tag} {{ {' '.join(s + ';' for s in sorted(names))} }};\n"
                       for tag, names in sorted(symbols_by_tag.items()) if tag)
    with tempfile.TemporaryDirectory() as folder:
        source, script = Path(folder, "stand_in.c"), Path(folder, "stand_in.map")
        source.write_text("void abort(void);\n" +
                          "".join(f"void {s}(void) {{ abort(); }}\n" for s in symbols))
        script.write_text(versions)
        subprocess.run(["gcc", "-shared", "-fPIC", "-w", f"-Wl,-soname,{path.name}",
                        *([f"-Wl,--version-script={script}"] if versions else []),
                        "-o", path, source], check=True)


def main():
    torch_lib = Path(sys.argv[1]) / "torch" / "lib"
    for name, symbols_by_tag in sorted(collect(torch_lib).items()):
        write_stand_in(torch_lib / name, symbols_by_tag)
        count = sum(map(len, symbols_by_tag.values()))
        print(f"stand-in for {name}: {count} symbols", file=sys.stderr)


if __name__ == "__main__":
    main()
