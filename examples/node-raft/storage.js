// What a node must not forget, in its working directory (N counts checkpoints):
//
//     N.log        entries, terms and votes since checkpoint N began, in the order in
//                  which they came; an entry replaces those from its position on
//     N.snapshot   the state as it was when N.log began
//     *.tmp        a snapshot that is still being written
//
// As votes and entries share one file, one order and one fsync, no crash can separate
// them: what is found at the next start is what the node knew at one moment.

'use strict';

const fs = require('node:fs/promises');
const path = require('node:path');
const { PUT, VOTE, SNAPSHOT, record, decode } = require('./records');

const CHECKPOINT_BYTES = 128 << 10; // begin a checkpoint when the log has grown by this much
const CHUNK_BYTES = 256 << 10; // snapshots are written in pieces of about this size

// The records of a snapshot { index, term, state }, in pieces.
function* encodeSnapshot({ index, term, state }) {
  let chunk = [record(SNAPSHOT, { index, term }).bytes];
  let size = 0;
  for (const [key, value] of state) {
    const { bytes } = record(PUT, { key, value });
    chunk.push(bytes);
    if ((size += bytes.length) < CHUNK_BYTES) continue;
    yield Buffer.concat(chunk);
    chunk = [];
    size = 0;
  }
  yield Buffer.concat(chunk);
}

function decodeSnapshot(bytes) {
  const { records, intact } = decode(bytes);
  if (intact < bytes.length || records[0]?.type !== SNAPSHOT) throw new Error('a damaged snapshot');
  const [{ index, term }, ...pairs] = records;
  return { index, term, state: new Map(pairs.map(({ key, value }) => [key, value])) };
}

class Storage {
  #folder;
  #queue = []; // what is to be written: { records } or { snapshot, records, whole }
  #writing = false;
  #saving = null; // the checkpoint that is under way
  #number = 0; // of the current log
  #log; // its file handle
  #logBytes = 0; // written since the last checkpoint began
  #snapshotBytes = 0;
  #broken; // called when a write has failed

  constructor(folder, broken) {
    this.#folder = folder;
    this.#broken = broken;
  }

  // A log at least as long as the last snapshot keeps the cost of checkpoints in
  // proportion to what clients write.
  get checkpointDue() {
    return !this.#saving && this.#logBytes > Math.max(CHECKPOINT_BYTES, this.#snapshotBytes);
  }

  // Resolves when these records are on disk, and all that were appended before them.
  append(records) {
    return this.#enqueue({ records });
  }

  // Begins a new log with these records, and saves the snapshot beside it, in which all
  // is that was written before and is not among the records. Resolves when the log is on
  // disk and, if whole, the snapshot too: then it need not continue what was there before.
  checkpoint(snapshot, records, whole = false) {
    this.#logBytes = 0;
    return this.#enqueue({ snapshot, records, whole });
  }

  #enqueue(item) {
    return new Promise((resolve) => {
      this.#queue.push({ ...item, resolve });
      if (!this.#writing) this.#writeAll().catch(this.#broken);
    });
  }

  async #writeAll() {
    this.#writing = true;
    while (this.#queue.length > 0) {
      // Whatever queued up during the last fsync shares the next one. This "group
      // commit" is what makes an fsync per write affordable.
      const next = this.#queue.findIndex((item) => item.snapshot);
      const batch = this.#queue.splice(0, next < 0 ? this.#queue.length : Math.max(next, 1));
      if (batch[0].snapshot) await this.#rotate(batch[0]);
      else await this.#write(batch.flatMap((item) => item.records));
      for (const { resolve } of batch) resolve();
    }
    this.#writing = false;
  }

  async #write(records) {
    if (records.length === 0) return;
    const bytes = Buffer.concat(records.map((one) => one.bytes));
    await this.#log.appendFile(bytes);
    await this.#log.datasync();
    this.#logBytes += bytes.length;
  }

  async #rotate({ snapshot, records, whole }) {
    await this.#saving; // one at a time
    await this.#log.close();
    await this.#openLog(this.#number + 1);
    // Until the snapshot has its name, the older logs count, and these records say
    // nothing that contradicts them. From then on, only these count.
    await this.#write(records);
    this.#saving = this.#save(this.#number, snapshot).finally(() => (this.#saving = null));
    if (whole) await this.#saving;
    else this.#saving.catch(this.#broken);
  }

  async #save(number, snapshot) {
    // Written aside and then renamed: under its final name a snapshot is always whole.
    const temporary = this.#path(number, 'tmp');
    const file = await fs.open(temporary, 'w');
    for (const chunk of encodeSnapshot(snapshot)) await file.appendFile(chunk);
    await file.sync();
    this.#snapshotBytes = (await file.stat()).size;
    await file.close();
    await fs.rename(temporary, this.#path(number, 'snapshot'));
    await this.#syncFolder(); // the new name must be on disk before the old files go
    await this.#removeBefore(number);
  }

  // Reads what is there: { term, votedFor, snapshot, entries }.
  async open() {
    for (const number of await this.#numbers('tmp')) await fs.unlink(this.#path(number, 'tmp'));

    const number = Math.max(0, ...(await this.#numbers('snapshot')));
    const found = { term: 0, votedFor: null, snapshot: { index: 0, term: 0, state: new Map() }, entries: [] };
    if (number > 0) {
      const bytes = await fs.readFile(this.#path(number, 'snapshot'));
      found.snapshot = decodeSnapshot(bytes); // better no start than wrong answers
      this.#snapshotBytes = bytes.length;
    }

    const logs = (await this.#numbers('log')).filter((n) => n >= number).sort((a, b) => a - b);
    if (logs.length === 0) logs.push(number);
    const last = logs[logs.length - 1];
    await this.#openLog(last);
    for (const n of logs) {
      const bytes = await fs.readFile(this.#path(n, 'log'));
      const { records, intact } = decode(bytes);
      for (const one of records) replay(found, one);
      this.#logBytes += intact;
      if (n === last) {
        // Only the last log can end in half a record, of which nobody was told. It must
        // go, or what is appended behind it would be unreachable. The sync covers what the
        // last process wrote but had no time to sync.
        await this.#log.truncate(intact);
        await this.#log.sync();
      } else if (intact < bytes.length) {
        throw new Error(`${n}.log is damaged at byte ${intact}`);
      }
    }
    await this.#removeBefore(number); // in case a crash came before this could be done
    return found;
  }

  async #openLog(number) {
    this.#number = number;
    this.#log = await fs.open(this.#path(number, 'log'), 'a');
    await this.#syncFolder(); // a file is only safe once its name is
  }

  #path(number, kind) {
    return path.join(this.#folder, `${number}.${kind}`);
  }

  async #numbers(kind) {
    const files = (await fs.readdir(this.#folder)).filter((file) => file.endsWith(`.${kind}`));
    return files.map((file) => parseInt(file, 10));
  }

  async #removeBefore(number) {
    for (const kind of ['log', 'snapshot']) {
      for (const n of await this.#numbers(kind)) {
        if (n < number) await fs.unlink(this.#path(n, kind));
      }
    }
  }

  async #syncFolder() {
    const folder = await fs.open(this.#folder, 'r');
    await folder.sync();
    await folder.close();
  }
}

function replay(found, one) {
  if (one.type === VOTE) {
    found.term = one.term;
    found.votedFor = one.key || null;
    return;
  }
  const { entries, snapshot } = found;
  const at = one.index - snapshot.index - 1;
  // A log begins with entries that are in the one before it, too. They are the same, and
  // must not cost what follows them there.
  if (at < 0 || entries[at]?.term === one.term) return;
  if (at > entries.length) throw new Error(`entry ${one.index} follows ${snapshot.index + entries.length}`);
  entries.length = at;
  entries.push(one);
}

module.exports = { Storage, encodeSnapshot, decodeSnapshot };
