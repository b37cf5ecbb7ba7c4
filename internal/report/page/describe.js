
// Describe: operations and times in words. Everything goes into the page as text.

function inSeconds (ns, decimals = 3) { return (ns / 1e9).toFixed(decimals) + ' s' }

// howLong writes a length of time.
function howLong (ns) {
  if (ns < 1e6) return Math.round(ns / 1e3) + ' µs'
  if (ns < 1e7) return (ns / 1e6).toFixed(1) + ' ms'
  if (ns < 1e9) return Math.round(ns / 1e6) + ' ms'
  return (ns / 1e9).toFixed(ns < 1e10 ? 2 : 1) + ' s'
}

function thousands (n) { return n.toLocaleString('en-US') }

// what tells what was asked and what came back.
function what (data, i) {
  const { ops } = data
  const kind = data.kinds[ops.kind[i]]
  const reads = kind === 'get' || kind === 'dequeue'
  const value = ops.value[i] >= 0 ? data.values[ops.value[i]] : null
  if (reads) return `${kind} ${data.keys[ops.key[i]]}` + (ops.outcome[i] === 1 ? ` → ${value ?? 'absent'}` : '')
  if (kind === 'cas') return `cas ${data.keys[ops.key[i]]} = ${ops.expected[i]} to ${value}`
  return `${kind} ${data.keys[ops.key[i]]}` + (value === null ? '' : ` = ${value}`)
}

// answer tells the outcome.
function answer (data, i) {
  const { ops } = data
  const text = outcomes[ops.outcome[i]]
  const status = ops.status[i] ? `status ${ops.status[i]}` : ''
  const error = ops.error[i] >= 0 ? data.errors[ops.error[i]] : ''
  if (status && error.startsWith(status)) return `${text}, ${error}`
  return text + (status && `, ${status}`) + (error && `: ${error}`)
}

// sentence tells an operation whole, for the tooltip and for screen readers.
function sentence (data, i) {
  const { ops } = data
  const took = ops.took[i] < 0 ? 'never answered' : `answered after ${howLong(ops.took[i])}`
  return `${what(data, i)}\nclient ${ops.client[i]} through ${data.nodes[ops.node[i]]}, called at ${inSeconds(ops.call[i], 6)}, ${took}\n${answer(data, i)}`
}

// faultsAt lists the faults that hit a node at some time between from and to.
function faultsAt (data, node, from, to) {
  return data.faults.filter((f) => f.start <= to && f.end >= from && (f.targets.length === 0 || f.targets.includes(node)))
}

// leadersAt lists who led at a moment, one text for each shard.
function leadersAt (data, at) {
  const last = new Map()
  for (const l of data.leaders) if (l.at <= at) last.set(l.shard || '', l)
  return [...last].map(([shard, l]) => (l.leader < 0 ? 'nobody' : data.nodes[l.leader]) + ' led' + (shard ? ' ' + shard : '') + (l.leader < 0 ? '' : `, term ${l.term}`))
}

// element makes an element with a class and a text.
function element (tag, name, text) {
  const e = document.createElement(tag)
  if (name) e.className = name
  if (text !== undefined) e.textContent = text
  return e
}

// showSelected writes what is selected below the timeline.
function showSelected (data, panel) {
  const { ops } = data
  const i = state.selected
  panel.replaceChildren()
  if (i < 0) {
    const moment = state.cursor === null ? 'Select an operation or a moment to see it here.' : `The moment ${inSeconds(state.cursor)}. ${leadersAt(data, state.cursor).join('; ')}`
    panel.append(element('p', 'quiet', moment))
    return
  }
  const v = data.violations.findIndex((x) => x.ops.includes(i))
  if (v >= 0) panel.append(element('p', 'proof', (data.violations[v].shows === i ? 'Here it shows: ' : 'Part of the proof: ') + data.violations[v].rule))
  panel.append(element('p', 'what', what(data, i)))
  const list = element('dl', 'facts')
  const add = (name, value) => {
    if (!value) return
    const pair = element('div', value.length > 60 ? 'long' : '')
    pair.append(element('dt', '', name), element('dd', '', value))
    list.append(pair)
  }
  add('operation', String(ops.id[i]) + (ops.final.has(i) ? ', final read' : ''))
  add('client', String(ops.client[i]))
  add('node', data.nodes[ops.node[i]])
  add('shard', data.shards && data.shards[ops.key[i]])
  add('called', inSeconds(ops.call[i], 6))
  add('returned', ops.took[i] < 0 ? 'never' : inSeconds(ops.call[i] + ops.took[i], 6))
  add('took', ops.took[i] < 0 ? '' : howLong(ops.took[i]))
  add('outcome', answer(data, i))
  add('defect', ops.defect[i])
  add('faults on the node', faultsAt(data, ops.node[i], ops.call[i], ops.call[i] + Math.max(ops.took[i], 0)).map((f) => f.title).join('; '))
  add('leader', leadersAt(data, ops.call[i]).join('; '))
  panel.append(list)
}
