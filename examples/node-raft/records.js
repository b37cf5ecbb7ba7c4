// One layout for everything that is written to disk or sent to a peer as bytes:
//
//     checksum (8) | length of the rest (4) | type (1) | index (6) | term (6) |
//     key length (4) | key | value
//
// The length makes any byte legal in a value; the checksum exposes a record that was cut
// short or never fully reached the disk. It covers the length too.

'use strict';

const crypto = require('node:crypto');

const NOOP = 0; // the types of log entries …
const PUT = 1; // (in a snapshot: a key and its value)
const DELETE = 2;
const CLEAR = 3;
const VOTE = 10; // … and of what else is stored: the term, and as key who got the vote in it,
const SNAPSHOT = 11; // and the position at which a snapshot was taken: its first record

const CHECKSUM_BYTES = 8;
const FRAME_BYTES = CHECKSUM_BYTES + 4;
const HEADER_BYTES = FRAME_BYTES + 17;
const NOTHING = Buffer.alloc(0);

function checksum(bytes) {
  const hash = crypto.createHash('sha256').update(bytes.subarray(CHECKSUM_BYTES));
  return hash.digest().subarray(0, CHECKSUM_BYTES);
}

// A record carries its own bytes, so that an entry is encoded once, for disk and peers.
function record(type, { index = 0, term = 0, key = '', value = NOTHING } = {}) {
  const keyBytes = Buffer.from(key);
  const bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), keyBytes, value]);
  bytes.writeUInt32BE(bytes.length - FRAME_BYTES, CHECKSUM_BYTES);
  bytes.writeUInt8(type, FRAME_BYTES);
  bytes.writeUIntBE(index, FRAME_BYTES + 1, 6);
  bytes.writeUIntBE(term, FRAME_BYTES + 7, 6);
  bytes.writeUInt32BE(keyBytes.length, FRAME_BYTES + 13);
  checksum(bytes).copy(bytes);
  return parse(bytes);
}

function parse(bytes) {
  const keyEnd = HEADER_BYTES + bytes.readUInt32BE(FRAME_BYTES + 13);
  return {
    type: bytes.readUInt8(FRAME_BYTES),
    index: bytes.readUIntBE(FRAME_BYTES + 1, 6),
    term: bytes.readUIntBE(FRAME_BYTES + 7, 6),
    key: bytes.toString('utf8', HEADER_BYTES, keyEnd),
    value: bytes.subarray(keyEnd),
    bytes,
  };
}

// The records at the start of bytes, and how many of the bytes they are.
function decode(bytes) {
  const records = [];
  let intact = 0;
  while (bytes.length - intact >= HEADER_BYTES) {
    const size = FRAME_BYTES + bytes.readUInt32BE(intact + CHECKSUM_BYTES);
    if (size < HEADER_BYTES || intact + size > bytes.length) break;
    const one = bytes.subarray(intact, intact + size);
    if (!checksum(one).equals(one.subarray(0, CHECKSUM_BYTES))) break;
    records.push(parse(Buffer.from(one))); // a copy: a view would keep all of bytes alive
    intact += size;
  }
  return { records, intact };
}

function apply(state, { type, key, value }) {
  if (type === PUT) state.set(key, value);
  else if (type === DELETE) state.delete(key);
  else if (type === CLEAR) state.clear();
}

module.exports = { NOOP, PUT, DELETE, CLEAR, VOTE, SNAPSHOT, record, decode, apply };
