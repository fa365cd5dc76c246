"""A plugin for pytest, to be named by ``-p pretend_gpu.plugin``: it is loaded before anything imports torch."""

import pretend_gpu

pretend_gpu.install()
