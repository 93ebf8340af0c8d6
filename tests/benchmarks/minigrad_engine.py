"""The workloads as an adapter for a driver that gives the problems: ``WORKLOADS[name](problem)`` returns the step."""

from functools import partial

import minigrad
from minigrad.backend import keep_freed_memory
from tests.benchmarks import workloads


def setup(threads):
    keep_freed_memory()


def on_host(workload, problem):
    return workload(minigrad, workloads.Problem(problem.params, problem.data, problem.cfg))


WORKLOADS = {name: partial(on_host, workload) for name, workload in workloads.WORKLOADS.items()}
