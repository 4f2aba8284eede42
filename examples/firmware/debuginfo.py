"""What the debug info of an image tells: which lines of which crates an instruction comes from."""
import json
import re
import subprocess

# Crates whose code is there on behalf of the one that calls it.
LIBRARIES = {"core", "alloc", "compiler-builtins", "heapless", "managed", "byteorder", "bitflags", "vcell", "other"}


def crate_of(path):
    """The crate of a source file."""
    found = re.search(r"/registry/src/[^/]+/([\w-]+?)-\d", path) or re.search(r"/library/([\w-]+)/", path)
    if found:
        return found[1]
    if "examples/firmware/" in path:
        return "firmware"
    return "coaplet" if "/src/" in path else "other"


def stacks(image, addresses):
    """For each address the functions that were inlined into one another there, the innermost first: names, files, lines."""
    asked = "".join(f"0x{address:x}\n" for address in addresses)
    told = subprocess.run(["llvm-symbolizer", "--obj=" + image, "--inlines", "--output-style=JSON"], input=asked, text=True,
                          capture_output=True, check=True).stdout
    for line in told.splitlines():
        yield [(frame["FunctionName"], frame["FileName"], frame["Line"]) for frame in json.loads(line).get("Symbol", [])]


def owner(stack):
    """The innermost crate that is no library."""
    # What the compiler has cut out of several functions has no place of its own.
    crates = [crate_of(file) for name, file, _ in stack if not name.startswith("OUTLINED_FUNCTION")]
    return next((crate for crate in crates if crate not in LIBRARIES), None)
