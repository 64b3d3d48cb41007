"""Appends once through Python's stock gRPC client, although one node of the cluster is down.

    python story.py DEAD_NODE NODE NODE...        each an IPv4 address and port

One channel knows all nodes. It asks them in turn, leaves out those that do not serve, and sends again what was lost.
"""

import json
import sys
import uuid
from pathlib import Path

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

# A program that is shipped compiles the protos once: python -m grpc_tools.protoc --python_out=… --grpc_python_out=… …
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "proto"))
types = grpc.protos("oncelog/v1/types.proto")
api, api_grpc = grpc.protos_and_services("oncelog/v1/log.proto")

LOG = "stock-python"
# Seconds that one attempt may take, and how many attempts there are after one that took too long.
DEADLINE = 10
ATTEMPTS = 5

SERVICE_CONFIG = {
    # Any node takes any request. In turn, so that a retry does not end at the same node that gave no answer.
    "loadBalancingConfig": [{"round_robin": {}}],
    # Nodes that know no leader are left out.
    "healthCheckConfig": {"serviceName": "oncelog.v1.LogService"},
    "methodConfig": [
        {
            "name": [{"service": "oncelog.v1.LogService"}],
            # gRPC itself sends a request again. For an append that is safe, because its id makes all attempts one.
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
            },
        }
    ],
}


def target_of(nodes):
    """Names several addresses in one target."""
    return "ipv4:" + ",".join(nodes)


def open_channel(nodes):
    """Opens a channel over all nodes."""
    return grpc.insecure_channel(
        target_of(nodes),
        options=[
            # Any one name. Without it the whole list of addresses is the authority, and nodes refuse that.
            ("grpc.default_authority", "oncelog"),
            ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
        ],
    )


def call(method, request):
    """Sends a request until there is an answer. gRPC's own retries leave over the nodes that do not answer in time."""
    for attempt in range(ATTEMPTS):
        try:
            return method(request, timeout=DEADLINE)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.DEADLINE_EXCEEDED or attempt == ATTEMPTS - 1:
                raise


def error_info(error):
    """Returns what oncelog says of an error. None: it comes from the way there, and anything may have happened."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = ErrorInfo()
        if detail.Unpack(info) and info.domain == "oncelog":
            return info
    return None


class Story:
    """What is shown, step by step."""

    def __init__(self, nodes, channel):
        self.nodes = nodes
        self.logs = api_grpc.LogServiceStub(channel)
        # Made before the first attempt, and kept through every retry.
        self.id = types.CommandId(text=str(uuid.uuid4()))
        self.first = None

    def append(self, payload):
        request = api.AppendRequest(log=LOG, id=self.id, records=[types.NewRecord(payload=payload)])
        return call(self.logs.Append, request)

    def only_the_first_node_is_down(self):
        for node in self.nodes:
            with grpc.insecure_channel(node) as channel:
                health = health_pb2_grpc.HealthStub(channel)
                try:
                    answer = health.Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE)
                    found = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
                except grpc.RpcError as error:
                    found = error.code().name
            expected = "UNAVAILABLE" if node == self.nodes[0] else "SERVING"
            assert found == expected, f"the health of {node} is {found}"
        return "health: one node is down, the others are SERVING"

    def an_append_reaches_another_node(self):
        self.first = self.append(b"two tickets")
        assert self.first.arrival == types.FIRST, self.first
        assert self.first.count == 1, self.first
        return f"append: FIRST, at offset {self.first.first_offset}, although the first address is dead"

    def the_same_again_is_replayed(self):
        again = self.append(b"two tickets")
        assert again.arrival == types.REPLAYED, again
        again.arrival = self.first.arrival
        assert again == self.first, f"{again} is not {self.first}"
        return "the same again: REPLAYED, with the first answer"

    def other_content_is_refused(self):
        try:
            raise AssertionError(f"the id was taken twice: {self.append(b'two hundred tickets')}")
        except grpc.RpcError as error:
            info = error_info(error)
            assert error.code() == grpc.StatusCode.ALREADY_EXISTS, error
            assert info and info.reason == "ID_REUSED", info
            assert info.metadata["effect"] == "none", info
        return f"other content under the same id: ALREADY_EXISTS, {info.reason}, effect {info.metadata['effect']}"

    def the_record_is_there_once(self):
        request = api.ReadRequest(log=LOG, **{"from": self.first.first_offset})
        page = call(self.logs.Read, request)
        found = [(record.offset, record.payload, record.id.text) for record in page.records]
        assert found == [(self.first.first_offset, b"two tickets", self.id.text)], page
        assert page.next == page.end == self.first.first_offset + 1, page
        return "read: the record is there, once"

    def the_id_is_known(self):
        answer = call(self.logs.Lookup, api.LookupRequest(id=self.id))
        assert answer.WhichOneof("fate") == "decided", answer
        assert answer.decided.outcome.sequence == self.first.sequence, answer
        [result] = answer.decided.outcome.applied.results
        assert result.appended.first_offset == self.first.first_offset, answer
        return "lookup: the id was applied, at the same offset"

    def several_addresses_need_an_authority(self):
        request = api.LookupRequest(id=self.id)
        with grpc.insecure_channel(target_of(self.nodes)) as channel:
            try:
                answer = api_grpc.LogServiceStub(channel).Lookup(request, timeout=DEADLINE)
                raise AssertionError(f"it is answered now, so the advice can go: {answer}")
            except grpc.RpcError as error:
                print(f"  {error.code().name}: {error.details()}")
                assert error_info(error) is None, "it never reached oncelog"
        return "without grpc.default_authority the same addresses fail"

    STEPS = (
        only_the_first_node_is_down,
        an_append_reaches_another_node,
        the_same_again_is_replayed,
        other_content_is_refused,
        the_record_is_there_once,
        the_id_is_known,
        several_addresses_need_an_authority,
    )


def main(nodes):
    if len(nodes) < 2:
        sys.exit(__doc__)
    with open_channel(nodes) as channel:
        story = Story(nodes, channel)
        for step in Story.STEPS:
            print(f"✓ {step(story)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
