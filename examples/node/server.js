// A durable key-value store with an HTTP API: stages 1 to 3 of lsfr's kv-store.
//
// Every write takes the same path: it is queued, appended to the log together with the
// others that wait, fsynced, applied to the map, and only then answered. So the map holds
// nothing that a crash could take away, its order is the log's order, and a read is a
// plain look into the map.
//
// Files in the working directory (N counts checkpoints):
//
//     N.log        the writes since checkpoint N began
//     N.snapshot   the whole map as it was when N.log began
//     *.tmp        a snapshot that is still being written

'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs/promises');
const http = require('node:http');
const path = require('node:path');

const CHECKPOINT_BYTES = 8 << 20; // begin a checkpoint when the log has grown by this much
const CHUNK_BYTES = 256 << 10; // snapshots are written in pieces of about this size
const MAX_BODY_BYTES = 64 << 20;

// ---------------------------------------------------------------------------- records
//
// checksum (8 bytes) | length of the rest (4) | operation (1) | key length (4) | key | value
//
// The length makes any byte legal in a value; the checksum exposes a record that was cut
// short or never fully reached the disk. It covers the length too.

const PUT = 1;
const DELETE = 2;
const CLEAR = 3;

const CHECKSUM_BYTES = 8;
const FRAME_BYTES = CHECKSUM_BYTES + 4;
const HEADER_BYTES = FRAME_BYTES + 5;

// The checksum of a record that starts with room for it.
function checksum(record) {
  const hash = crypto.createHash('sha256').update(record.subarray(CHECKSUM_BYTES));
  return hash.digest().subarray(0, CHECKSUM_BYTES);
}

function encode({ operation, key = '', value = Buffer.alloc(0) }) {
  const keyBytes = Buffer.from(key);
  const record = Buffer.concat([Buffer.alloc(HEADER_BYTES), keyBytes, value]);
  record.writeUInt32BE(record.length - FRAME_BYTES, CHECKSUM_BYTES);
  record.writeUInt8(operation, FRAME_BYTES);
  record.writeUInt32BE(keyBytes.length, FRAME_BYTES + 1);
  checksum(record).copy(record);
  return record;
}

// The record at the start of bytes and its size, or null if it is not intact.
function decode(bytes) {
  if (bytes.length < HEADER_BYTES) return null;
  const size = FRAME_BYTES + bytes.readUInt32BE(CHECKSUM_BYTES);
  if (size < HEADER_BYTES || size > bytes.length) return null;
  const record = bytes.subarray(0, size);
  if (!checksum(record).equals(record.subarray(0, CHECKSUM_BYTES))) return null;

  const keyEnd = HEADER_BYTES + record.readUInt32BE(FRAME_BYTES + 1);
  return {
    size,
    operation: record.readUInt8(FRAME_BYTES),
    key: record.toString('utf8', HEADER_BYTES, keyEnd),
    value: Buffer.from(record.subarray(keyEnd)), // a copy: a view would keep all of bytes alive
  };
}

function apply(data, { operation, key, value }) {
  if (operation === PUT) data.set(key, value);
  else if (operation === DELETE) data.delete(key);
  else if (operation === CLEAR) data.clear();
}

// Applies the file's records to data. Returns its size and how much of it is intact.
async function replay(file, data) {
  const bytes = await fs.readFile(file);
  let intact = 0;
  let record = decode(bytes);
  while (record !== null) {
    apply(data, record);
    intact += record.size;
    record = decode(bytes.subarray(intact));
  }
  return { intact, size: bytes.length };
}

// ------------------------------------------------------------------------------ store

class Store {
  data = new Map(); // changed by recover and commitAll only
  #recoveryDone;
  recovered = new Promise((resolve) => (this.#recoveryDone = resolve));
  #folder;
  #waiting = []; // writes that are not in the log yet
  #committing = false;
  #checkpointing = false;
  #number = 0; // of the current log
  #log; // its file handle
  #logBytes = 0; // logged since the last checkpoint began
  #snapshotBytes = 0;

  constructor(folder) {
    this.#folder = folder;
  }

  // Resolves when the write is on disk and visible.
  write(operation, key, value) {
    return new Promise((resolve) => {
      const write = { operation, key, value };
      this.#waiting.push({ ...write, record: encode(write), resolve });
      if (!this.#committing) this.#commitAll().catch(giveUp);
    });
  }

  async #commitAll() {
    this.#committing = true;
    while (this.#waiting.length > 0) {
      // Whatever queued up during the last fsync shares the next one. This "group
      // commit" is what makes an fsync per write affordable.
      const batch = this.#waiting;
      this.#waiting = [];

      await this.#log.appendFile(Buffer.concat(batch.map((write) => write.record)));
      await this.#log.sync();

      for (const write of batch) {
        this.#logBytes += write.record.length;
        apply(this.data, write);
        write.resolve();
      }

      // A log at least as long as the last snapshot keeps the cost of checkpoints in
      // proportion to what clients write.
      const enough = Math.max(CHECKPOINT_BYTES, this.#snapshotBytes);
      if (this.#logBytes > enough && !this.#checkpointing) await this.#beginCheckpoint();
    }
    this.#committing = false;
  }

  async #beginCheckpoint() {
    // The copy is shallow, so this pause is short; the long part runs beside the writes,
    // which go to the next log from here on.
    this.#checkpointing = true;
    await this.#log.close();
    await this.#openLog(this.#number + 1);
    this.#logBytes = 0;
    this.#saveSnapshot(this.#number, new Map(this.data))
      .catch((error) => console.error('checkpoint failed, the logs are kept:', error))
      .finally(() => (this.#checkpointing = false));
  }

  async #saveSnapshot(number, data) {
    // Written aside and then renamed: under its final name a snapshot is always whole.
    const temporary = this.#path(number, 'tmp');
    const file = await fs.open(temporary, 'w');
    try {
      let chunk = [];
      let chunkBytes = 0;
      for (const [key, value] of data) {
        const record = encode({ operation: PUT, key, value });
        chunk.push(record);
        chunkBytes += record.length;
        if (chunkBytes >= CHUNK_BYTES) {
          await file.appendFile(Buffer.concat(chunk)); // requests are served meanwhile
          chunk = [];
          chunkBytes = 0;
        }
      }
      await file.appendFile(Buffer.concat(chunk));
      await file.sync();
      this.#snapshotBytes = (await file.stat()).size;
    } finally {
      await file.close();
    }
    await fs.rename(temporary, this.#path(number, 'snapshot'));
    await this.#syncFolder(); // the new name must be on disk before the old files go
    await this.#removeBefore(number);
  }

  async recover() {
    // A crash may have cut a checkpoint short.
    for (const number of await this.#numbers('tmp')) await fs.unlink(this.#path(number, 'tmp'));

    const number = Math.max(0, ...(await this.#numbers('snapshot')));
    if (number > 0) {
      const { intact, size } = await replay(this.#path(number, 'snapshot'), this.data);
      // Better no start than wrong answers.
      if (intact < size) throw new Error(`${number}.snapshot is damaged at byte ${intact}`);
      this.#snapshotBytes = size;
    }

    const logs = (await this.#numbers('log')).filter((n) => n >= number).sort((a, b) => a - b);
    if (logs.length === 0) logs.push(number);
    const last = logs[logs.length - 1];
    await this.#openLog(last);
    for (const n of logs) {
      const { intact, size } = await replay(this.#path(n, 'log'), this.data);
      if (intact < size && n !== last) throw new Error(`${n}.log is damaged at byte ${intact}`);
      this.#logBytes += intact;

      // Only the last log can end in a half-written record, which was never acknowledged.
      // It must go, or the records appended behind it would be unreachable. The sync also
      // covers records the last process wrote but had no time to sync: from now on
      // clients can see them.
      if (n === last) {
        await this.#log.truncate(intact);
        await this.#log.sync();
      }
    }
    await this.#removeBefore(number); // in case a crash came before this could be done
    this.#recoveryDone();
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
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

// After a failed write or sync nobody knows what the disk holds. Ending here is safe:
// nothing unlogged was shown or acknowledged, and the next start reads the truth from
// the files.
function giveUp(error) {
  console.error(error);
  process.exit(1);
}

// ------------------------------------------------------------------------------- HTTP

// The whole body, or null if it is too long. Rejects when the client goes away halfway.
async function readBody(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return length <= MAX_BODY_BYTES ? Buffer.concat(chunks) : null;
}

// Decides what to answer: [status, body, headers].
async function answer(store, method, url, body) {
  // Not through new URL(), which would take the keys "." and ".." for folders.
  const route = url.split('?', 1)[0];
  if (body === null) return [413, 'value is too long'];

  if (route === '/clear') {
    if (method !== 'DELETE') return [405, 'method not allowed', { Allow: 'DELETE' }];
    await store.write(CLEAR);
    return [200];
  }

  if (!route.startsWith('/kv/')) return [404, 'not found'];
  if (!['GET', 'PUT', 'DELETE'].includes(method)) {
    return [405, 'method not allowed', { Allow: 'GET, PUT, DELETE' }];
  }
  let key;
  try {
    key = decodeURIComponent(route.slice('/kv/'.length));
  } catch {
    return [400, 'key is not valid UTF-8'];
  }
  if (key === '') return [400, 'key cannot be empty'];

  if (method === 'GET') {
    const value = store.data.get(key);
    return value === undefined ? [404, 'key not found'] : [200, value];
  }
  if (method === 'DELETE') {
    await store.write(DELETE, key);
    return [200];
  }
  if (body.length === 0) return [400, 'value cannot be empty'];
  await store.write(PUT, key, body);
  return [200];
}

// Resolves when the server listens.
function serve(store, port) {
  let inFlight = 0;
  let stopping = false;

  const server = http.createServer(async (request, response) => {
    inFlight++;
    response.on('close', () => inFlight--); // answered, or the client is gone
    let body;
    try {
      body = await readBody(request);
    } catch {
      return; // cut off halfway: as if it had never been sent
    }
    await store.recovered; // early requests wait
    const [status, content = '', headers = {}] = await answer(store, request.method, request.url, body);
    response.writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(content),
      ...(stopping && { Connection: 'close' }),
      ...headers,
    });
    response.end(content);
  });

  // Clients may be slow, and may keep a connection for later.
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  server.keepAliveTimeout = 120_000;

  // Answers every request that has begun, then ends the process. Between two ticks Node
  // looks at every socket once: the first ticks pick up connections and requests that
  // reached this machine before the signal did but were not read yet.
  //
  // Everything acknowledged is on disk, and a checkpoint may be cut at any point, so there
  // is nothing else to wait for; and a client that never finishes is not waited for.
  function stop() {
    if (stopping) return;
    stopping = true;
    let ticks = 0;
    setInterval(() => {
      ticks++;
      if (ticks === 3) server.close();
      if ((ticks > 6 && inFlight === 0) || ticks === 200) process.exit(0);
    }, 50);
  }
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen({ port, host: '127.0.0.1', backlog: 128 }, resolve);
  });
}

// The value of --name; later stages pass more flags than this program knows.
function flag(name) {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0 || at + 1 === process.argv.length) throw new Error(`--${name} is missing`);
  return process.argv[at + 1];
}

async function main() {
  const store = new Store(flag('working-dir'));
  const port = Number(flag('port'));
  // The port comes first: where another server still runs, its files are left alone.
  await serve(store, port);
  await store.recover();
  console.log(`ready on 127.0.0.1:${port}, ${store.data.size} keys recovered`);
}

main().catch(giveUp);
