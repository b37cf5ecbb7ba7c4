// A key-value store with an HTTP API, on one node or on several that agree by Raft:
// stages 1 to 8 of lsfr's kv-store. Here are flags and HTTP; raft.js is the heart of it.

'use strict';

const http = require('node:http');
const { Cluster } = require('./cluster');
const { Peer } = require('./peer');
const { Raft, Unavailable } = require('./raft');
const { PUT, DELETE, CLEAR } = require('./records');
const { Storage } = require('./storage');

const MAX_BODY_BYTES = 64 << 20;
const ANSWER_LIMIT = 1500; // ms; then it is more use to say 503 than to go on waiting

const METHODS = { '/kv/': ['GET', 'PUT', 'DELETE'], '/cluster/shards/': ['GET'] };
const UNAVAILABLE = [503, 'unavailable: whether it took effect is not known'];

// The whole body, or null if it is too long. Rejects when the client goes away halfway.
async function readBody(request, limit) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= limit) chunks.push(chunk);
  }
  return length <= limit ? Buffer.concat(chunks) : null;
}

class Server {
  #peers;
  #raft;
  #cluster;
  #ready = false;
  #started; // resolves when the files are read
  #inFlight = 0; // clients' requests
  #stopping = false;

  constructor(peers, raft, cluster) {
    this.#peers = peers;
    this.#raft = raft;
    this.#cluster = cluster;
  }

  async run(port) {
    const server = http.createServer((request, response) => this.#serve(request, response).catch(giveUp));
    // Clients may be slow, and may keep a connection for later.
    server.requestTimeout = 0;
    server.headersTimeout = 0;
    server.keepAliveTimeout = 120_000;
    // The port comes first: where another server still runs, its files are left alone.
    await new Promise((resolve, reject) => {
      server.on('error', reject);
      server.listen({ port, host: '127.0.0.1', backlog: 128 }, resolve);
    });
    process.on('SIGTERM', () => this.#stop(server));
    process.on('SIGINT', () => this.#stop(server));
    this.#started = this.#raft.start();
    await this.#started;
    this.#ready = true;
    this.#cluster.start();
  }

  async #serve(request, response) {
    const path = request.url.split('?', 1)[0];
    const fromPeer = path.startsWith('/raft/');
    if (!fromPeer) {
      this.#inFlight++;
      response.on('close', () => this.#inFlight--); // answered, or the client is gone
    }
    let body;
    try {
      body = await readBody(request, fromPeer ? Infinity : MAX_BODY_BYTES);
    } catch {
      return; // cut off halfway: as if it had never been sent
    }
    const [status, content = '', headers = {}] = await this.#answer(request, path, body);
    response.writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(content),
      ...(this.#stopping && { Connection: 'close' }),
      ...headers,
    });
    response.end(content);
  }

  // Decides what to answer: [status, body, headers].
  async #answer(request, path, body) {
    if (path === '/health') return [this.#ready ? 200 : 503];
    if (path.startsWith('/raft/')) {
      if (!this.#ready) return [503];
      const message = JSON.parse(request.headers.raft ?? '{}');
      const kind = path.slice('/raft/'.length);
      const answer = kind === 'ping' ? this.#cluster.onPing(message) : await this.#raft.receive(kind, message, body);
      return [200, JSON.stringify(answer)];
    }
    if (path === '/cluster/info') return [200, JSON.stringify(this.#cluster.info())];
    if (body === null) return [413, 'value is too long'];

    // What is wrong in itself is refused here. The rest is for the leader, of this group
    // or another one.
    const { method } = request;
    let key = '';
    if (path === '/clear') {
      if (method !== 'DELETE') return [405, 'method not allowed', { Allow: 'DELETE' }];
    } else {
      // Not through new URL(), which would take the keys "." and ".." for folders.
      const prefix = Object.keys(METHODS).find((prefix) => path.startsWith(prefix));
      if (!prefix) return [404, 'not found'];
      const methods = METHODS[prefix];
      if (!methods.includes(method)) return [405, 'method not allowed', { Allow: methods.join(', ') }];
      try {
        key = decodeURIComponent(path.slice(prefix.length));
      } catch {
        return [400, 'key is not valid UTF-8'];
      }
      if (key === '') return [400, 'key cannot be empty'];
      if (method === 'PUT' && body.length === 0) return [400, 'value cannot be empty'];
      if (prefix === '/cluster/shards/') return [200, JSON.stringify({ key, shard: this.#cluster.shardOf(key) })];
      // A redirect costs this node nothing, however long the other group takes.
      const node = this.#cluster.elsewhere(key);
      if (node === null) return [503, 'nobody is known who has this key'];
      if (node) return [307, '', { Location: `http://${node.address}${path}` }];
    }

    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, ANSWER_LIMIT, UNAVAILABLE)));
    const answer = await Promise.race([late, this.#execute(request, path, key, body)]);
    clearTimeout(timer);
    return answer;
  }

  async #execute(request, path, key, body) {
    await this.#started; // early requests wait
    const { method } = request;
    const { role, leader } = this.#raft;
    if (role !== 'leader') {
      // Two nodes that take each other for the leader must not pass it back and forth.
      if (leader === null || request.headers['passed-on']) return [503, 'no leader is known'];
      const answer = await this.#peers.find(({ id }) => id === leader).forward(method, path, body, ANSWER_LIMIT);
      return answer === null ? UNAVAILABLE : [answer.status, answer.body];
    }
    try {
      if (method === 'GET') {
        const value = await this.#raft.read(key);
        return value === undefined ? [404, 'key not found'] : [200, value];
      }
      if (path === '/clear') await this.#raft.write(CLEAR);
      else if (method === 'DELETE') await this.#raft.write(DELETE, key);
      else await this.#raft.write(PUT, key, body);
      return [200];
    } catch (error) {
      if (error instanceof Unavailable) return UNAVAILABLE;
      throw error;
    }
  }

  // Answers every request that has begun, then ends the process. Between two ticks Node
  // looks at every socket once: the first ticks pick up connections and requests that
  // reached this machine before the signal did but were not read yet. Meanwhile the node
  // goes on leading or following, or writes could not be committed. Nothing else is to be
  // done: all that was acknowledged is on disk.
  #stop(server) {
    if (this.#stopping) return;
    this.#stopping = true;
    let ticks = 0;
    setInterval(() => {
      ticks++;
      if (ticks === 3) server.close();
      if ((ticks > 6 && this.#inFlight === 0) || ticks === 60) process.exit(0);
    }, 50);
  }
}

// After a failed write or sync nobody knows what the disk holds. Ending here is safe: the
// next start reads the truth from the files.
function giveUp(error) {
  console.error(error);
  process.exit(1);
}

function flag(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  if (at >= 0 && at + 1 < process.argv.length) return process.argv[at + 1];
  if (otherwise === undefined) throw new Error(`--${name} is missing`);
  return otherwise;
}

async function main() {
  const id = flag('id', 'n1');
  const shard = flag('shard', '');
  const peers = flag('peers', '').split(',').filter(Boolean).map((peer) => {
    const [name, address] = peer.split('=');
    const [peerID, peerShard = ''] = name.split('/').reverse();
    return new Peer(peerShard, peerID, address);
  });
  const group = peers.filter((peer) => peer.shard === shard);
  const raft = new Raft(id, group, new Storage(flag('working-dir'), giveUp));
  const cluster = new Cluster(id, shard, peers, raft);
  await new Server(group, raft, cluster).run(Number(flag('port')));
}

process.on('unhandledRejection', giveUp);
main().catch(giveUp);
