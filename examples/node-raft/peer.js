// Another node, as seen from here: how to reach it, and what is known of it.

'use strict';

const http = require('node:http');
const { Readable } = require('node:stream');

const ALIVE = 2000; // ms without a word from a peer, then it is presumed dead

class Peer {
  heard = -Infinity; // when it last said anything, in ms
  leader = null; // who leads its group, and in which term, by its last ping (cluster.js)
  term = 0;
  // What follows belongs to the leader (raft.js).
  next = 1; // the position to be sent next
  match = 0; // up to here its log, on its disk, is known to be ours
  probe = true; // whether next is a guess
  round = 0; // the last round of heartbeats that it answered
  silence = 0; // ms since it answered anything in this term
  sending = false; // whether entries or a snapshot are on their way to it
  beating = false; // whether a heartbeat is

  constructor(shard, id, address) {
    this.shard = shard;
    this.id = id;
    this.address = address;
    const colon = address.lastIndexOf(':');
    this.host = address.slice(0, colon);
    this.port = Number(address.slice(colon + 1));
    // Heartbeats have connections of their own, so that nothing large is ahead of them.
    this.control = new http.Agent({ keepAlive: true });
    this.data = new http.Agent({ keepAlive: true });
  }

  get alive() {
    return performance.now() - this.heard < ALIVE;
  }

  told({ leader, term }) {
    this.heard = performance.now();
    Object.assign(this, { leader, term });
  }

  // Asks the peer, and resolves with its answer, or with null if there is none in time.
  async call(kind, message, { body = [], limit = 700, agent = this.control } = {}) {
    const headers = { Raft: JSON.stringify(message) };
    const answer = await this.#request({ method: 'POST', path: `/raft/${kind}`, headers, agent }, body, limit);
    if (answer?.status !== 200) return null;
    this.heard = performance.now();
    return JSON.parse(answer.body);
  }

  // Passes a client's request on: { status, type, body }, or null.
  forward(method, path, body, limit) {
    const headers = { 'Passed-On': 'yes' };
    return this.#request({ method, path, headers, agent: this.data }, [body], limit);
  }

  // Never asks twice: what was sent once may have taken effect. Without an answer in time
  // the connection goes, too: it may be one that is dead and does not know it.
  #request(options, body, limit) {
    return new Promise((resolve) => {
      const request = http.request({ host: this.host, port: this.port, ...options }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', () => {});
        response.on('close', () => {
          clearTimeout(timer);
          if (!response.complete) return resolve(null);
          const type = response.headers['content-type'];
          resolve({ status: response.statusCode, type, body: Buffer.concat(chunks) });
        });
      });
      const timer = setTimeout(() => request.destroy(new Error('timeout')), limit);
      request.on('error', () => {
        clearTimeout(timer);
        resolve(null);
      });
      if (Array.isArray(body)) request.end(Buffer.concat(body));
      else Readable.from(body).pipe(request);
    });
  }
}

module.exports = { Peer };
