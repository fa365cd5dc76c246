"""What TensorBoard would read of the event files in a folder."""

from tensorboardX.proto.event_pb2 import Event


def scalars(folder):
    """Name to step to value, over all event files of a folder."""
    found = {}
    for path in sorted(folder.iterdir()):
        content, at = path.read_bytes(), 0
        while at < len(content):  # length, its checksum, the event, its checksum
            size = int.from_bytes(content[at : at + 8], "little")
            event = Event.FromString(content[at + 12 : at + 12 + size])
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
            at += size + 16
    return found
