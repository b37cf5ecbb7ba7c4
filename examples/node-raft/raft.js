// Raft after Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm"
// (extended version), with pre-vote, leaders that step down and read index from Ongaro's
// dissertation (9.6, 6.2, 6.4).
//
// Everything happens in one thread, and a method runs undisturbed up to its next await.
// After each await the world may have changed: term and role are looked at again.

'use strict';

const { NOOP, VOTE, record, decode, apply } = require('./records');
const { encodeSnapshot, decodeSnapshot } = require('./storage');
const { Log } = require('./log');

const HEARTBEAT = 100; // ms; also the tick of all clocks here
const ELECTION = 1000; // ms of silence until an election, and up to as much again
const QUORUM = 1500; // ms without a majority until a leader gives up
const APPEND_LIMIT = 3000; // ms for a request with entries
const SNAPSHOT_LIMIT = 30_000; // ms for a whole snapshot

class Unavailable extends Error {}

class Raft {
  term = 0; // these three are on disk before anybody hears of them
  votedFor = null;
  log = new Log();

  role = 'follower';
  leader = null;
  state = new Map(); // what the entries up to applied amount to
  applied = 0; // committed entries are applied at once, so this is the commit index, too

  #id;
  #peers;
  #majority;
  #storage;
  #voteSaved; // resolves when term and vote are on disk
  #silence = 0; // ms without a leader
  #patience = ELECTION;
  #election = null; // the one that this node stands for; a new object for each
  #verified = 0; // follower: up to here the log is known to be that of this term's leader
  #durable = 0; // leader: up to here the log is on its own disk
  #pending = new Map(); // leader: by position, writes that wait to be applied
  #ready; // leader: resolves when an entry of its own term is committed
  #round = 0; // leader: heartbeats are numbered, across terms
  #roundSoon = false;
  #reads = []; // leader: reads that wait for a round

  constructor(id, peers, storage) {
    this.#id = id;
    this.#peers = peers;
    this.#majority = Math.floor((peers.length + 1) / 2) + 1;
    this.#storage = storage;
  }

  async start() {
    const { term, votedFor, snapshot, entries } = await this.#storage.open();
    Object.assign(this, { term, votedFor, state: snapshot.state, applied: snapshot.index });
    this.#verified = snapshot.index;
    this.log.reset(snapshot.index, snapshot.term);
    for (const entry of entries) this.log.push(entry);
    this.#print('started');
    this.#wait();
    if (this.#majority === 1) await this.#campaign();
    this.#tick(performance.now());
  }

  // ------------------------------------------------------------------------- clients

  // Resolves when the write is committed and applied. Rejects when that is not known.
  write(type, key, value) {
    if (this.role !== 'leader') return Promise.reject(new Unavailable('not the leader'));
    const entry = record(type, { index: this.log.last + 1, term: this.term, key, value });
    this.log.push(entry);
    const { term } = this;
    this.#storage.append([entry]).then(() => {
      if (this.term !== term || this.role !== 'leader') return;
      this.#durable = Math.max(this.#durable, entry.index);
      this.#commit();
    });
    for (const peer of this.#peers) this.#replicate(peer); // while the own disk is at work
    return new Promise((resolve, reject) => this.#pending.set(entry.index, { resolve, reject }));
  }

  // Reads what is there at a moment after the call.
  async read(key) {
    // A new leader does not know which of its entries were committed, until one of its
    // own is. Then all that was acknowledged before is applied here. What this node has
    // applied now is current if it still leads, and no other leader has gone further:
    // this a majority has to confirm, and it has to be asked now, not earlier.
    if (this.role !== 'leader') throw new Unavailable('not the leader');
    await this.#ready;
    await this.#confirm();
    return this.state.get(key);
  }

  #confirm() {
    if (this.role !== 'leader') throw new Unavailable('not the leader any more');
    // Reads that come in the same turn of the event loop share a round.
    if (!this.#roundSoon) setImmediate(() => this.#beginRound());
    this.#roundSoon = true;
    return new Promise((resolve, reject) => this.#reads.push({ round: this.#round + 1, resolve, reject }));
  }

  #beginRound() {
    this.#roundSoon = false;
    if (this.role !== 'leader') return;
    this.#round++;
    for (const peer of this.#peers) this.#beat(peer);
    this.#answerReads();
  }

  #answerReads() {
    const confirmed = this.#reachedByMajority(this.#round, (peer) => peer.round);
    while (this.#reads[0]?.round <= confirmed) this.#reads.shift().resolve();
  }

  // What a majority has, this node included.
  #reachedByMajority(own, of) {
    return [own, ...this.#peers.map(of)].sort((a, b) => b - a)[this.#majority - 1];
  }

  // -------------------------------------------------------------------- terms and roles

  // Time is counted in ticks: it stands still while the process does, and one that wakes
  // up reads what came meanwhile before it thinks of elections. Nothing that must be right
  // depends on clocks, only when it happens.
  #tick(before) {
    const now = performance.now();
    const elapsed = Math.min(now - before, 2 * HEARTBEAT);
    setTimeout(() => this.#tick(now), HEARTBEAT);

    if (this.role === 'leader') {
      for (const peer of this.#peers) peer.silence += elapsed;
      // It may be that it is heard and hears nobody: then it must make room.
      if (this.#reachedByMajority(0, (peer) => -peer.silence) < -QUORUM) this.#follow(this.term);
      else this.#beginRound();
      return;
    }
    this.#silence += elapsed;
    if (this.#silence > this.#patience) this.#campaign();
  }

  #wait() {
    this.#silence = 0;
    this.#patience = ELECTION * (1 + Math.random());
  }

  #saveVote() {
    this.#voteSaved = this.#storage.append([this.#voteRecord()]);
    return this.#voteSaved;
  }

  #voteRecord() {
    return record(VOTE, { term: this.term, key: this.votedFor ?? '' });
  }

  #follow(term, leader = null) {
    const before = this.role + this.leader + this.term;
    if (term > this.term) {
      this.term = term;
      this.votedFor = null;
      this.#verified = this.applied;
      this.#saveVote();
    }
    if (this.role === 'leader') {
      // Whether their entries will be committed is for the next leader to decide.
      const unknown = new Unavailable('leadership was lost');
      for (const { reject } of [...this.#pending.values(), ...this.#reads]) reject(unknown);
      this.#pending.clear();
      this.#reads = [];
      this.#wait();
    }
    this.role = 'follower';
    this.leader = leader;
    this.#election = null;
    if (before !== this.role + leader + this.term) this.#print('follows');
  }

  async #campaign() {
    this.#wait(); // for the next attempt
    this.role = 'candidate';
    this.leader = null;
    const election = (this.#election = {});

    // First ask whether it would be elected: a node that others do not need must not
    // raise the term, which would depose their leader.
    await this.#poll(election, true, this.term + 1);
    if (this.#election !== election) return;

    this.term++;
    this.votedFor = this.#id;
    this.#verified = this.applied;
    this.#print('stands for election');
    await this.#saveVote();
    if (this.#election !== election) return;
    await this.#poll(election, false, this.term);
    if (this.#election === election) this.#lead();
  }

  // Resolves when a majority says yes, perhaps never.
  #poll(election, pre, term) {
    const { last } = this.log;
    const question = { from: this.#id, pre, term, last, lastTerm: this.log.termAt(last) };
    return new Promise((resolve) => {
      let votes = 1;
      if (votes === this.#majority) resolve();
      for (const peer of this.#peers) {
        peer.call('vote', question).then((answer) => {
          if (!answer || this.#election !== election) return;
          if (answer.term > this.term) this.#follow(answer.term);
          else if (answer.granted && ++votes === this.#majority) resolve();
        });
      }
    });
  }

  #lead() {
    this.role = 'leader';
    this.leader = this.#id;
    this.#election = null;
    this.#durable = 0;
    for (const peer of this.#peers) {
      Object.assign(peer, { next: this.log.last + 1, match: 0, probe: true, silence: 0 });
    }
    this.#print('leads');
    this.#ready = this.write(NOOP);
    this.#ready.catch(() => {}); // reads will see it
    this.#beginRound();
  }

  // ------------------------------------------------------------------ leader to followers

  async #beat(peer) {
    if (peer.beating) return; // the next one goes when this one is back
    peer.beating = true;
    do {
      const { term } = this;
      const { match } = peer;
      const round = this.#round;
      const answer = await peer.call('heartbeat', { from: this.#id, term, commit: this.applied });
      if (!this.#stillLeads(term, answer)) break;
      peer.silence = 0;
      peer.round = round; // it followed this node when the round had begun
      this.#answerReads();
      // It has restarted, or lost its disk: find out what it has.
      if (answer.verified < match) peer.probe = true;
      this.#replicate(peer);
    } while (this.role === 'leader' && peer.round < this.#round);
    peer.beating = false;
  }

  // Whether an answer to a request of this term came while this node leads in it.
  #stillLeads(term, answer) {
    if (answer?.term > this.term) this.#follow(answer.term);
    return answer !== null && answer.term === term && this.term === term && this.role === 'leader';
  }

  // Sends what a follower lacks, one request after the other. What fails is tried again
  // after the next heartbeat.
  async #replicate(peer) {
    if (peer.sending) return;
    peer.sending = true;
    while (this.role === 'leader' && (peer.probe || peer.next <= this.log.last)) {
      const { term } = this;
      const answer = await (peer.next <= this.log.base ? this.#sendSnapshot(peer) : this.#sendEntries(peer));
      if (!this.#stillLeads(term, answer)) break;
      peer.silence = 0;
      peer.probe = !answer.ok;
      if (answer.ok) {
        peer.match = Math.max(peer.match, answer.match);
        peer.next = peer.match + 1;
        this.#commit();
      } else {
        peer.match = Math.min(peer.match, answer.hint);
        peer.next = Math.max(1, Math.min(peer.next - 1, answer.hint + 1));
      }
    }
    peer.sending = false;
  }

  #sendEntries(peer) {
    const previous = peer.next - 1;
    const message = {
      from: this.#id, term: this.term, commit: this.applied,
      previous, previousTerm: this.log.termAt(previous),
    };
    const body = this.log.some(peer.next).map((entry) => entry.bytes);
    return peer.call('append', message, { body, limit: APPEND_LIMIT, agent: peer.data });
  }

  #sendSnapshot(peer) {
    const message = { from: this.#id, term: this.term };
    const body = encodeSnapshot(this.#snapshot());
    return peer.call('snapshot', message, { body, limit: SNAPSHOT_LIMIT, agent: peer.data });
  }

  #snapshot() {
    // The copy is shallow, so this is quick.
    return { index: this.applied, term: this.log.termAt(this.applied), state: new Map(this.state) };
  }

  #commit() {
    const index = this.#reachedByMajority(this.#durable, (peer) => peer.match);
    // An older term's entry may be on a majority's disks and yet be replaced (5.4.2). It
    // is committed along with the first one of this term.
    if (index > this.applied && this.log.termAt(index) === this.term) this.#apply(index);
  }

  #apply(index) {
    while (this.applied < index) {
      const entry = this.log.at(++this.applied);
      apply(this.state, entry);
      this.#pending.get(entry.index)?.resolve();
      this.#pending.delete(entry.index);
    }
    if (!this.#storage.checkpointDue) return;
    this.#storage.checkpoint(this.#snapshot(), [this.#voteRecord(), ...this.log.suffix(this.applied)]);
    this.log.compact(this.applied);
  }

  // ------------------------------------------------------------------- answers to peers

  async receive(kind, message, body) {
    const peer = this.#peers.find(({ id }) => id === message.from);
    if (!peer) return {}; // of another group, whose terms are not ours
    peer.heard = performance.now();
    let answer = {};
    if (kind === 'vote') answer = this.#onVote(message);
    if (kind === 'heartbeat') answer = this.#onHeartbeat(message);
    if (kind === 'append') answer = await this.#onAppend(message, body);
    if (kind === 'snapshot') answer = await this.#onSnapshot(message, body);
    await this.#voteSaved; // no term and no vote is told before it is on disk
    return { ...answer, term: this.term };
  }

  #onVote({ from, pre, term, last, lastTerm }) {
    if (!pre && term > this.term) this.#follow(term);
    const mine = this.log.termAt(this.log.last);
    const upToDate = lastTerm > mine || (lastTerm === mine && last >= this.log.last);
    if (pre) {
      const led = this.leader !== null && (this.role === 'leader' || this.#silence < ELECTION);
      return { granted: upToDate && term > this.term && !led };
    }
    const granted = upToDate && term === this.term && (this.votedFor ?? from) === from;
    if (granted) {
      this.#follow(term); // whatever it was about to stand for
      this.#wait();
      this.votedFor = from;
      this.#saveVote();
    }
    return { granted };
  }

  // Whether a message comes from the leader of this term. Then its sender leads.
  #isLed({ term, from }) {
    if (term < this.term) return false;
    this.#follow(term, from);
    this.#wait();
    return true;
  }

  #onHeartbeat(message) {
    if (!this.#isLed(message)) return {};
    this.#apply(Math.min(message.commit, this.#verified));
    return { verified: this.#verified };
  }

  async #onAppend(message, body) {
    const { records, intact } = decode(body);
    if (intact < body.length) throw new Error(`damaged entries from ${message.from}`);
    if (!this.#isLed(message)) return {};

    // What is applied is the same everywhere, and perhaps no longer at hand.
    const { previous, previousTerm } = message;
    if (previous > this.applied && this.log.termAt(previous) !== previousTerm) {
      return { ok: false, hint: this.#lastBefore(previous) };
    }
    // Only what conflicts is dropped: a request that comes late may end earlier.
    const fresh = records.filter(({ index, term }) => index > this.applied && this.log.termAt(index) !== term);
    for (const entry of fresh) {
      if (entry.index <= this.log.last) this.log.truncate(entry.index);
      this.log.push(entry);
    }
    const match = previous + records.length;
    const saved = this.#storage.append(fresh); // with what came before
    this.#verified = Math.max(this.#verified, match);
    this.#apply(Math.min(message.commit, this.#verified));
    await saved;
    return { ok: this.term === message.term, match };
  }

  // Where the leader may go on trying: before the whole term that does not fit.
  #lastBefore(index) {
    if (index > this.log.last) return this.log.last;
    const term = this.log.termAt(index);
    while (index > this.applied && this.log.termAt(index) === term) index--;
    return index;
  }

  async #onSnapshot(message, body) {
    const snapshot = decodeSnapshot(body);
    if (!this.#isLed(message)) return {};
    const { index, term, state } = snapshot;
    let saved;
    if (index > this.applied) { // or it came late, and would take this node back
      this.#print(`gets a snapshot of ${index}`);
      this.log.reset(index, term);
      this.state = state;
      this.applied = index;
      saved = this.#storage.checkpoint(this.#snapshot(), [this.#voteRecord(), ...this.log.suffix(index)], true);
    }
    this.#verified = Math.max(this.#verified, index);
    await (saved ?? this.#storage.append([]));
    return { ok: this.term === message.term, match: index };
  }

  #print(what) {
    const { role, term, log, applied } = this;
    console.log(`${this.#id} ${what}: ${role} of term ${term}, leader ${this.leader}, last ${log.last}, applied ${applied}`);
  }
}

module.exports = { Raft, Unavailable };
