// All nodes of all groups: who is alive, which group has a key, and whom to ask there.

'use strict';

const crypto = require('node:crypto');

const PING = 500; // ms

class Cluster {
  #id;
  #shard; // the own group; '' where there are no groups
  #shards; // the names of all groups
  #peers;
  #raft;

  constructor(id, shard, peers, raft) {
    this.#id = id;
    this.#shard = shard;
    // Sorted, as every node must number them alike, and each is told its peers in an
    // order of its own.
    this.#shards = [...new Set([shard, ...peers.map((peer) => peer.shard)])].sort();
    this.#peers = peers;
    this.#raft = raft;
  }

  // Which group has a key: computed from nothing but its bytes and the names of the groups.
  shardOf(key) {
    const hash = crypto.createHash('sha256').update(key).digest();
    return this.#shards[hash.readUInt32BE() % this.#shards.length];
  }

  // Whom to ask for a key: undefined is this node's own group, null is nobody.
  elsewhere(key) {
    const shard = this.shardOf(key);
    if (shard === this.#shard) return undefined;
    const alive = this.#peers.filter((peer) => peer.shard === shard && peer.alive);
    // The latest leader that any of them knows. It is a guess: whoever is asked finds the
    // leader in any case.
    const [latest] = alive.filter(({ leader }) => leader !== null).sort((a, b) => b.term - a.term);
    return alive.find(({ id }) => id === latest?.leader) ?? alive[0] ?? null;
  }

  // Tells all others, in every group, that this node is alive and who leads its group, and
  // hears the same of them.
  start() {
    for (const peer of this.#peers) peer.call('ping', this.#news()).then((news) => news && peer.told(news));
    setTimeout(() => this.start(), PING);
  }

  onPing(news) {
    this.#peers.find(({ id }) => id === news.from)?.told(news);
    return this.#news();
  }

  #news() {
    const { leader, term } = this.#raft;
    return { from: this.#id, leader, term };
  }

  info() {
    const { role, leader, term } = this.#raft;
    const nodes = [{ id: this.#id, alive: true }, ...this.#peers.map(({ id, alive }) => ({ id, alive }))];
    return { id: this.#id, shard: this.#shard || undefined, role, leader, term, nodes };
  }
}

module.exports = { Cluster };
