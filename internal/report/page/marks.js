
// Marks: everything on the canvas but the operations: the axis, faults, leaders, violations,
// the selection.

const rowOf = 18 // height of a row above the lanes
const mostFaultKinds = 6
const mostShards = 8

// rowsAbove lists the rows above the lanes: faults by kind, leaders by shard, violations.
function rowsAbove (data) {
  const kinds = [...new Set(data.faults.map((f) => f.fault))]
  const rows = kinds.slice(0, mostFaultKinds).map((name, i) => ({
    name, faults: data.faults.filter((f) => f.fault === name || (i === mostFaultKinds - 1 && kinds.indexOf(f.fault) >= mostFaultKinds))
  }))
  for (const shard of [...new Set(data.leaders.map((l) => l.shard || ''))].slice(0, mostShards)) {
    rows.push({ name: shard ? `leader of ${shard}` : 'leader', leaders: data.leaders.filter((l) => (l.shard || '') === shard) })
  }
  if (data.violations.length > 0) rows.push({ name: 'violations', violations: data.violations })
  return rows
}

// roundStep is 1, 2 or 5 times a power of ten, so that at most n such steps fit.
function roundStep (length, n) {
  const power = 10 ** Math.floor(Math.log10(length / n))
  return [1, 2, 5, 10].map((m) => m * power).find((step) => length / step <= n)
}

function drawAxis (context, layout, colours, x) {
  const step = roundStep(state.to - state.from, Math.max(Math.floor((layout.width - left) / 110), 2))
  const decimals = Math.max(0, -Math.floor(Math.log10(step / 1e9)))
  context.font = colours.font
  context.textBaseline = 'middle'
  context.textAlign = 'center'
  for (let at = Math.ceil(state.from / step) * step; at <= state.to; at += step) {
    if (x(at) < left) continue
    context.strokeStyle = colours.line
    line(context, x(at), 22, x(at), layout.height - 12)
    context.fillStyle = colours.soft
    const text = inSeconds(at, Math.min(decimals, 6))
    if (x(at) + text.length * 3.6 < layout.width && x(at) - text.length * 3.6 > left) context.fillText(text, x(at), 11)
  }
  context.textAlign = 'left'
}

function drawFaults (context, data, layout, colours, x) {
  layout.above.forEach((row, r) => {
    const y = layout.aboveTop + r * rowOf
    for (const f of row.faults || []) {
      if (f.end < state.from || f.start > state.to) continue
      const from = Math.max(x(f.start), left)
      const w = Math.max(Math.min(x(f.end), layout.width - right) - from, 2)
      context.fillStyle = colours['fault-soft']
      context.fillRect(from, layout.laneTop, w, layout.laneHeight)
      if (state.lanes === 'node') {
        for (const n of f.targets) {
          const g = layout.lanes.groups[n]
          if (g) context.fillRect(from, layout.laneTop + g.from * layout.rowHeight, w, (g.to - g.from) * layout.rowHeight)
        }
      }
      context.fillStyle = colours.fault
      context.fillRect(from, y + 3, w, rowOf - 6)
      const text = f.targets.map((n) => data.nodes[n]).join(' ')
      if (w > text.length * 7.4 + 8) {
        context.fillStyle = '#16202c'
        context.fillText(text, from + 4, y + rowOf / 2 + 0.5)
      }
    }
  })
}

// stripe draws the pattern of a node over a bar: nodes differ in it as well as in colour.
function stripe (context, colour, pattern, x, y, w, h) {
  context.save()
  context.beginPath()
  context.rect(x, y, w, h)
  context.clip()
  context.strokeStyle = colour
  context.lineWidth = 1.5
  const until = Math.min(x + w, x + 2000)
  if (pattern === 1) for (let d = x - h; d < until; d += 7) line(context, d, y + h, d + h, y)
  if (pattern === 2) for (let d = x + 3; d < until; d += 6) line(context, d, y + h / 2, d + 2, y + h / 2)
  if (pattern === 3) line(context, x, y + h / 2, until, y + h / 2)
  if (pattern === 4) for (let d = x - h; d < until; d += 7) line(context, d, y, d + h, y + h)
  if (pattern === 5) for (let d = x; d < until; d += 6) line(context, d, y, d, y + h)
  context.restore()
}

function drawLeaders (context, data, layout, colours, x) {
  layout.above.forEach((row, r) => {
    const y = layout.aboveTop + r * rowOf
    ;(row.leaders || []).forEach((l, i, all) => {
      const until = i + 1 < all.length ? all[i + 1].at : data.end
      if (until < state.from || l.at > state.to) return
      const from = Math.max(x(l.at), left)
      const w = Math.max(Math.min(x(until), layout.width - right) - from, 1)
      if (l.leader < 0) {
        context.strokeStyle = colours.soft
        context.setLineDash([2, 3])
        context.strokeRect(from, y + 6.5, w, rowOf - 13)
        context.setLineDash([])
        return
      }
      const colour = colours.values[l.leader % 6]
      context.globalAlpha = 0.25
      context.fillStyle = colour
      context.fillRect(from, y + 2, w, rowOf - 4)
      context.globalAlpha = 1
      stripe(context, colour, l.leader % 6, from, y + 2, w, rowOf - 4)
      context.fillStyle = colour
      context.fillRect(from, y + 2, 2, rowOf - 4)
      const text = `${data.nodes[l.leader]} (${l.term})`
      if (w > text.length * 7.4 + 14) {
        plate(context, colours, text, from + 8, y + rowOf / 2)
        context.fillText(text, from + 8, y + rowOf / 2 + 0.5)
      }
    })
  })
}

function drawViolations (context, data, layout, colours, x) {
  const { ops } = data
  layout.above.forEach((row, r) => {
    const y = layout.aboveTop + (r + 0.5) * rowOf
    ;(row.violations || []).forEach((v, number) => {
      if (v.at < state.from || v.at > state.to) return
      context.fillStyle = colours.bad
      context.beginPath()
      const size = number === state.violation ? 8 : 6
      for (const [dx, dy] of [[0, -size], [size, 0], [0, size], [-size, 0]]) context.lineTo(x(v.at) + dx, y + dy)
      context.fill()
    })
  })
  context.strokeStyle = colours.bad
  const proofs = state.violation >= 0 ? [data.violations[state.violation]] : data.violations.slice(0, 50)
  for (const v of proofs) {
    for (const i of v.ops) {
      if (!state.shown[i]) continue
      context.lineWidth = i === v.shows ? 2.5 : 1.5
      ring(context, layout, data, i, x, 1)
    }
  }
  if (state.selected >= 0 && state.shown[state.selected]) {
    context.strokeStyle = colours.ink
    context.lineWidth = 2
    ring(context, layout, data, state.selected, x, 3.5)
    context.fillStyle = colours.ink // a small pointer above, for those who see no difference
    const at = Math.max(x(ops.call[state.selected]), left)
    const y = layout.laneTop + layout.lanes.row[state.selected] * layout.rowHeight - 3
    context.beginPath()
    for (const [dx, dy] of [[-4, -6], [4, -6], [0, 0]]) context.lineTo(at + dx, y + dy)
    context.fill()
  }
  context.lineWidth = 1
}

// ring draws a frame around an operation's bar.
function ring (context, layout, data, i, x, out) {
  const from = x(data.ops.call[i])
  const end = endOf(data, layout, i, from, layout.scale)
  if (end < left || from > layout.width - right) return
  const at = Math.max(from, left)
  context.strokeRect(at - out, layout.laneTop + layout.lanes.row[i] * layout.rowHeight + 1 - out / 2, Math.max(Math.min(end, layout.width - right) - at, 2) + 2 * out, layout.rowHeight - 2 + out)
}

// drawFrame draws the names of rows and lanes, the cursor, and which part of the run is shown.
function drawFrame (context, data, layout, colours, x) {
  const { lanes, width, height } = layout
  context.fillStyle = colours.paper
  context.fillRect(0, 0, left - 1, height)
  context.font = colours.sans
  context.fillStyle = colours.ink
  layout.above.forEach((row, r) => context.fillText(row.name.slice(0, 18), 8, layout.aboveTop + (r + 0.5) * rowOf, left - 14))
  let free = 0
  for (const g of lanes.groups) {
    const y = layout.laneTop + (g.from + g.to) / 2 * layout.rowHeight
    if (y < free) continue
    context.fillText(g.name, 8, y, left - 14)
    free = y + 13
  }
  context.strokeStyle = colours.line
  line(context, left - 0.5, 0, left - 0.5, height)
  if (state.cursor !== null && state.cursor >= state.from && state.cursor <= state.to) {
    context.strokeStyle = colours.link
    context.setLineDash([5, 3])
    line(context, x(state.cursor), 20, x(state.cursor), height - 12)
    context.setLineDash([])
  }
  const share = (at) => left + (width - left - right) * Math.min(Math.max(at / data.end, 0), 1)
  context.fillStyle = colours.line
  context.fillRect(left, height - 7, width - left - right, 4)
  context.fillStyle = colours.soft
  context.fillRect(share(state.from), height - 8, Math.max(share(state.to) - share(state.from), 3), 6)
  context.fillStyle = colours.bad
  for (const v of data.violations) context.fillRect(share(v.at) - 1, height - 10, 2, 10)
}
