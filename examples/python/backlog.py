"""The latest records of a log, kept in memory for followers that are nearly up to date."""

BATCH_BYTES = 256 << 10  # how much a follower gets at once


class Backlog:
    def __init__(self, position, max_bytes):
        """An empty backlog at that position: the number of records that came before."""
        self.start = position
        self.records = []
        self.bytes = 0
        self.max_bytes = max_bytes

    @property
    def end(self):
        return self.start + len(self.records)

    def extend(self, records):
        self.records += records
        self.bytes += sum(map(len, records))
        if self.bytes > self.max_bytes:
            self.forget(self.bytes - self.max_bytes // 2)

    def forget(self, excess):
        # Half of it at once: deleting from the front moves all that stays, which would
        # be too much to do for every record.
        count = 0
        while excess > 0 and count < len(self.records):
            excess -= len(self.records[count])
            self.bytes -= len(self.records[count])
            count += 1
        del self.records[:count]
        self.start += count

    def since(self, position):
        """Returns the records from position on, as many as make a batch. None: it does
        not reach back that far, or has not come that far."""
        if not self.start <= position <= self.end:
            return None
        batch, size = [], 0
        for i in range(position - self.start, len(self.records)):
            batch.append(self.records[i])
            size += len(self.records[i])
            if size >= BATCH_BYTES:
                break
        return batch
