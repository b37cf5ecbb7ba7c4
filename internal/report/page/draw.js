
// Draw: operations on the canvas. A kind has its shape and an outcome its colour and its
// pattern, so that colour is never the only sign.

const kindOf = [1, 0, 2] // of get, put, delete: the number of their shape; others are 3
const left = 118 // where time begins, in pixels
const right = 14

// theme reads the page's colours, which are others in the dark.
function theme () {
  const style = getComputedStyle(document.documentElement)
  const colour = (name) => style.getPropertyValue('--' + name).trim()
  const out = { font: '12px ' + colour('mono'), sans: '12px ' + colour('sans'), values: [0, 1, 2, 3, 4, 5].map((i) => colour('v' + i)) }
  for (const name of ['paper', 'panel', 'line', 'ink', 'soft', 'bad', 'fault', 'fault-soft', 'fault-ink', 'op-put', 'op-get', 'op-delete', 'op-failed', 'op-unknown', 'lane', 'link']) out[name] = colour(name)
  return out
}

// hatch makes a pattern of diagonal lines.
function hatch (context, colour, paper) {
  const tile = document.createElement('canvas')
  tile.width = tile.height = 6
  const c = tile.getContext('2d')
  c.fillStyle = paper
  c.fillRect(0, 0, 6, 6)
  c.strokeStyle = colour
  c.lineWidth = 1.8
  c.beginPath()
  for (const d of [-6, 0, 6]) {
    c.moveTo(d, 6)
    c.lineTo(d + 6, 0)
  }
  c.stroke()
  return context.createPattern(tile, 'repeat')
}

// shapeOf is where a kind of operation stands in its row: [from the top, height], as shares.
const shapeOf = [[0.1, 0.8], [0.32, 0.36], [0.1, 0.8], [0.1, 0.8]]

// openWidth is how wide an operation without an answer is drawn at most: nobody knows when it
// ended, so its length would mean nothing.
const openWidth = 26

// endOf is where the bar of an operation ends that begins at x.
function endOf (data, layout, i, x, scale) {
  const w = (layout.lanes.end[i] - data.ops.call[i]) * scale
  return x + (data.ops.took[i] < 0 ? Math.min(w, openWidth) : w)
}

// drawOperations draws what the filter lets through and the window shows. Bars of one shape
// and colour that touch each other in a row are drawn as one where they are narrow: however
// many operations there are, there are fewer bars than pixels. It returns how many were drawn.
function drawOperations (context, data, layout, colours) {
  const { ops } = data
  const { lanes, width, rowHeight, laneTop } = layout
  const scale = (width - left - right) / (state.to - state.from)
  const begin = firstFrom(ops.call, state.from - Math.max(ops.longest, openFor))
  const stop = firstFrom(ops.call, state.to)
  const bars = Array.from({ length: 12 }, () => [])
  const drawnTo = new Float32Array(lanes.rows * 12)
  const drawnAs = new Int32Array(lanes.rows * 12) // where the last bar stands in its list
  const wide = []
  for (let i = begin; i < stop; i++) {
    if (state.shown[i] === 0 || lanes.end[i] < state.from) continue
    const style = (kindOf[ops.kind[i]] ?? 3) * 3 + ops.outcome[i]
    const at = lanes.row[i] * 12 + style
    const call = left + (ops.call[i] - state.from) * scale
    const x = Math.max(call, left)
    const end = Math.min(endOf(data, layout, i, call, scale), width - right)
    if (end <= drawnTo[at] || end < left) continue
    const w = Math.max(end - x, 1.2)
    if (w < 7 && x - drawnTo[at] < 0.8 && drawnTo[at] > 0) {
      bars[style][drawnAs[at] + 2] += x + w - drawnTo[at]
      drawnTo[at] = x + w
      continue
    }
    drawnTo[at] = x + w
    drawnAs[at] = bars[style].length
    const [top, height] = shapeOf[style / 3 | 0]
    bars[style].push(x, laneTop + (lanes.row[i] + top) * rowHeight, w, Math.max(height * rowHeight, 2))
    if (w > 7) wide.push(i)
  }
  let n = 0
  const kindColours = [colours['op-put'], colours['op-get'], colours['op-delete'], colours.soft]
  bars.forEach((list, style) => {
    if (list.length === 0) return
    n += list.length / 4
    const outcome = style % 3
    context.beginPath()
    for (let i = 0; i < list.length; i += 4) context.rect(list[i], list[i + 1], list[i + 2], list[i + 3])
    if (outcome === 0) context.fillStyle = layout.unknown
    else context.fillStyle = outcome === 1 ? kindColours[style / 3 | 0] : colours['op-failed']
    context.fill()
  })
  drawDetails(context, data, layout, colours, wide.slice(0, 4000), scale)
  return n
}

// drawDetails adds to bars that are wide enough what they are: an outline, the fade of those
// without an answer, the strokes of deletes and refusals, a text.
function drawDetails (context, data, layout, colours, wide, scale) {
  const { ops } = data
  const { lanes, width, rowHeight, laneTop } = layout
  context.font = colours.font
  context.textBaseline = 'middle'
  for (const i of wide) {
    const call = left + (ops.call[i] - state.from) * scale
    const x = Math.max(call, left)
    const end = Math.min(endOf(data, layout, i, call, scale), width - right)
    const kind = kindOf[ops.kind[i]] ?? 3
    const [top, share] = shapeOf[kind]
    const y = laneTop + (lanes.row[i] + top) * rowHeight
    const height = Math.max(share * rowHeight, 2)
    const w = end - x
    if (ops.outcome[i] === 0) { // it may take effect at any later time
      context.strokeStyle = colours['op-unknown']
      context.setLineDash([4, 3])
      context.strokeRect(x + 0.5, y + 0.5, w - 1, height - 1)
      context.setLineDash([])
    } else if (ops.outcome[i] === 2) {
      context.fillStyle = colours.paper
      context.fillRect(x + 1.5, y + 1.5, w - 3, height - 3)
      context.strokeStyle = colours['op-failed']
      line(context, x, y + height, Math.min(x + height, end), y)
      line(context, x, y, Math.min(x + height, end), y + height)
    } else if (kind === 2) {
      context.strokeStyle = colours.paper
      for (let d = x + 3; d + 4 < end; d += 6) line(context, d, y + height, d + 4, y)
    }
    if (w < 90 || rowHeight < 13) continue
    const text = label(data, i)
    const room = Math.floor((w - 8) / 7.3)
    const short = text.length > room ? text.slice(0, room - 1) + '…' : text
    if (kind === 0 && ops.outcome[i] === 1) context.fillStyle = colours.paper
    else plate(context, colours, short, x + 5, y + height / 2, Math.max(height, 14))
    context.fillText(short, x + 5, y + height / 2 + 0.5)
  }
}

// plate clears the place of a text whose background has a pattern.
function plate (context, colours, text, x, middle, height = 14) {
  context.fillStyle = colours.paper
  context.fillRect(x - 3, middle - height / 2, context.measureText(text).width + 6, height)
  context.fillStyle = colours.ink
}

// label is the text on a bar.
function label (data, i) {
  const text = what(data, i)
  return state.lanes === 'node' ? `${data.ops.client[i]}: ${text}` : `${data.nodes[data.ops.node[i]]} ${text}`
}

function line (context, x1, y1, x2, y2) {
  context.beginPath()
  context.moveTo(x1, y1)
  context.lineTo(x2, y2)
  context.stroke()
}
