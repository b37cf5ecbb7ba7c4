// The part of the log that is in memory: the entries behind base, which is 0, or a
// position that a snapshot covers.

'use strict';

const TAIL_ENTRIES = 500;
const TAIL_BYTES = 4 << 20;
const REQUEST_ENTRIES = 2000; // at most so many, and so many bytes, go to a follower at once
const REQUEST_BYTES = 1 << 20;

class Log {
  base = 0; // position of the entry before the first one here
  baseTerm = 0;
  #entries = [];

  get last() {
    return this.base + this.#entries.length;
  }

  at(index) {
    return this.#entries[index - this.base - 1];
  }

  // The term of an entry; undefined if it is not there, or too old to be known.
  termAt(index) {
    return index === this.base ? this.baseTerm : this.at(index)?.term;
  }

  // What is sent to a follower at once: entries from index on, one at least.
  some(index) {
    const start = index - this.base - 1;
    const entries = this.#entries.slice(start, start + REQUEST_ENTRIES);
    let bytes = 0;
    const end = entries.findIndex((entry, i) => (bytes += entry.bytes.length) > REQUEST_BYTES && i > 0);
    return end < 0 ? entries : entries.slice(0, end);
  }

  // All behind index.
  suffix(index) {
    return this.#entries.slice(index - this.base);
  }

  push(entry) {
    if (entry.index !== this.last + 1) throw new Error(`entry ${entry.index} behind ${this.last}`);
    this.#entries.push(entry);
  }

  truncate(index) {
    this.#entries.length = index - this.base - 1;
  }

  // Forgets what a snapshot at index covers, except for a tail for followers that are a
  // little behind: they need not get the whole snapshot.
  compact(index) {
    let base = index;
    let bytes = 0;
    while (base > this.base && index - base < TAIL_ENTRIES) {
      bytes += this.at(base).bytes.length;
      if (bytes > TAIL_BYTES) break;
      base--;
    }
    this.baseTerm = this.termAt(base);
    this.#entries = this.suffix(base);
    this.base = base;
  }

  // A snapshot takes the place of all up to index. What is behind it stays, if it
  // continues the snapshot (section 7 of the paper).
  reset(index, term) {
    this.#entries = this.termAt(index) === term ? this.suffix(index) : [];
    this.base = index;
    this.baseTerm = term;
  }
}

module.exports = { Log };
