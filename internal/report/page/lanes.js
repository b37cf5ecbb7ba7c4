
// Lanes: in which row of the timeline each operation stands.

const mostRows = 64 // of all lanes
const openFor = 2e9 // for how long an unanswered operation is drawn, at most
const openRoom = 2e7 // how much of that others may not stand in

// arrange gives each operation a row. Groups are what the rows are named after: one for
// each node, or one for each sender.
function arrange (data, by) {
  return by === 'node' ? arrangeByNode(data) : arrangeByClient(data)
}

// freeRow returns the row that has been free for the shortest time, so that a sender that
// goes on under a new number stays where it was.
function freeRow (ends, from) {
  let best = -1
  for (let r = 0; r < ends.length; r++) {
    if (ends[r] <= from && (best < 0 || ends[r] > ends[best])) best = r
  }
  if (best >= 0) return best
  if (ends.length < mostRows) return ends.push(0) - 1
  return ends.indexOf(Math.min(...ends))
}

function arrangeByClient ({ ops }) {
  const sessions = new Map()
  for (let i = 0; i < ops.n; i++) {
    const end = ops.call[i] + Math.max(ops.took[i], 0)
    const s = sessions.get(ops.client[i])
    if (!s) sessions.set(ops.client[i], { client: ops.client[i], from: ops.call[i], end })
    else s.end = Math.max(s.end, end)
  }
  const ends = []
  const names = []
  const rowOf = new Map()
  for (const s of sessions.values()) { // by their first call
    const row = freeRow(ends, s.from)
    ends[row] = s.end
    rowOf.set(s.client, row)
    if (!names[row]) names[row] = []
    names[row].push(s.client)
  }
  for (const clients of names) clients.sort((a, b) => a - b)
  const order = [...names.keys()].sort((a, b) => names[a][0] - names[b][0])
  const placeOf = []
  order.forEach((r, place) => { placeOf[r] = place })
  const row = new Uint16Array(ops.n)
  for (let i = 0; i < ops.n; i++) row[i] = placeOf[rowOf.get(ops.client[i])]
  const groups = order.map((r, place) => {
    const [first, ...others] = names[r]
    const more = others.length > 8 ? ` and ${others.length - 8} more` : ''
    return {
      name: `client ${first}` + (others.length ? ' …' : ''),
      title: `client ${first}` + (others.length ? `\nand, one after the other, ${others.slice(0, 8).join(', ')}${more}` : ''),
      from: place,
      to: place + 1
    }
  })
  return withEnds(ops, row, groups, ends.length)
}

function arrangeByNode (data) {
  const { ops, nodes } = data
  const rows = nodes.map(() => [])
  const row = new Uint16Array(ops.n)
  const most = Math.max(Math.floor(mostRows / nodes.length), 3)
  for (let i = 0; i < ops.n; i++) {
    const ends = rows[ops.node[i]]
    let r = ends.findIndex((end) => end <= ops.call[i])
    if (r < 0) r = ends.length < most ? ends.push(0) - 1 : most - 1
    ends[r] = ops.call[i] + (ops.took[i] < 0 ? openRoom : ops.took[i])
    row[i] = r
  }
  const groups = []
  const first = []
  let n = 0
  nodes.forEach((name, node) => {
    first[node] = n
    const used = Math.max(rows[node].length, 1)
    groups.push({ name, from: n, to: n + used })
    n += used
  })
  for (let i = 0; i < ops.n; i++) row[i] += first[ops.node[i]]
  return withEnds(ops, row, groups, n)
}

// withEnds adds until when each operation is drawn: an unanswered one up to the next in
// its row.
function withEnds (ops, row, groups, rows) {
  const end = new Float64Array(ops.n)
  const next = new Float64Array(rows).fill(Infinity)
  for (let i = ops.n - 1; i >= 0; i--) {
    end[i] = ops.took[i] < 0
      ? Math.min(ops.call[i] + openFor, Math.max(next[row[i]], ops.call[i] + 1e5))
      : ops.call[i] + ops.took[i]
    next[row[i]] = ops.call[i]
  }
  return { row, end, groups, rows }
}
