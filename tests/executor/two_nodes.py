"""A Ray cluster of a head without cores and two nodes of one core, on this machine; a process of its own.

Prints the address. A line on standard input kills the node of the process that it names; the end of input ends all.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
from ray.cluster_utils import Cluster

QUICK = {"health_check_period_ms": 500, "health_check_timeout_ms": 1000, "health_check_failure_threshold": 2}


def main() -> None:
    """The first argument is a cache for the nodes, where nothing is yet: images must be sent to them."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": QUICK, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1, env_vars={"SEEDBED_CACHE": sys.argv[1]}, wait=False) for _ in range(2)]
    cluster.wait_for_nodes()
    print(cluster.address, flush=True)
    for line in sys.stdin:
        raylets = {parent.pid for parent in psutil.Process(int(line)).parents()}
        node = next(node for node in nodes if node.all_processes["raylet"][0].process.pid in raylets)
        cluster.remove_node(node, allow_graceful=False)
        print("killed", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parent))
    main()
