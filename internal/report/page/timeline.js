
// Timeline: the canvas, when it is drawn, and what the pointer is over.

const lanesHeight = 460 // of all lanes, about

class Timeline {
  constructor (data, canvas) {
    Object.assign(this, { data, canvas, context: canvas.getContext('2d', { alpha: false }), bars: 0, later: oncePerFrame(() => this.draw()) })
    this.arranged = {}
    this.above = rowsAbove(data)
    this.recolour()
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.recolour()
      this.later()
    })
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement)
    for (const event of ['window', 'selection', 'cursor']) on(event, () => this.later())
    on('filter', () => this.resize())
    this.resize()
  }

  recolour () {
    this.colours = theme()
    this.unknown = hatch(this.context, this.colours['op-unknown'], this.colours.paper)
  }

  resize () {
    const by = state.lanes
    const lanes = this.arranged[by] ||= arrange(this.data, by)
    const width = this.canvas.parentElement.clientWidth
    const rowHeight = Math.min(Math.max(lanesHeight / lanes.rows, 5), 20)
    const aboveTop = 24
    const laneTop = aboveTop + this.above.length * rowOf + 10
    const laneHeight = lanes.rows * rowHeight
    const height = laneTop + laneHeight + 22
    const ratio = Math.min(devicePixelRatio || 1, 2)
    this.layout = { lanes, width, height, rowHeight, aboveTop, laneTop, laneHeight, above: this.above, unknown: this.unknown, ratio }
    this.canvas.width = Math.round(width * ratio)
    this.canvas.height = Math.round(height * ratio)
    this.canvas.style.width = width + 'px'
    this.canvas.style.height = height + 'px'
    this.draw()
  }

  x (at) { return left + (at - state.from) / (state.to - state.from) * (this.layout.width - left - right) }

  timeAt (x) { return state.from + (x - left) / (this.layout.width - left - right) * (state.to - state.from) }

  draw () {
    const { context, layout, colours, data } = this
    layout.unknown = this.unknown
    layout.scale = (layout.width - left - right) / (state.to - state.from)
    context.setTransform(layout.ratio, 0, 0, layout.ratio, 0, 0)
    context.fillStyle = colours.paper
    context.fillRect(0, 0, layout.width, layout.height)
    context.fillStyle = colours.lane
    layout.lanes.groups.forEach((g, i) => {
      if (i % 2) context.fillRect(left, layout.laneTop + g.from * layout.rowHeight, layout.width - left, (g.to - g.from) * layout.rowHeight)
    })
    const x = (at) => this.x(at)
    drawAxis(context, layout, colours, x)
    drawFaults(context, data, layout, colours, x)
    drawLeaders(context, data, layout, colours, x)
    this.bars = drawOperations(context, data, layout, colours)
    drawViolations(context, data, layout, colours, x)
    drawFrame(context, data, layout, colours, x)
    const whole = state.from <= 0 && state.to >= data.end
    document.getElementById('window').textContent = whole ? 'the whole run' : `${inSeconds(state.from)} to ${inSeconds(state.to)}`
  }

  // under finds the operation, or else the text of a mark, at a point of the canvas.
  under (px, py) {
    const { data, layout } = this
    const { ops } = data
    const { lanes } = layout
    const at = this.timeAt(px)
    const near = 4 / (layout.width - left - right) * (state.to - state.from)
    if (py < layout.laneTop) {
      const row = layout.above[Math.floor((py - layout.aboveTop) / rowOf)]
      if (!row) return {}
      const f = (row.faults || []).find((f) => f.start - near <= at && f.end + near >= at)
      const number = (row.violations || []).findIndex((v) => Math.abs(v.at - at) <= 2 * near)
      const led = (row.leaders || []).findLast((l) => l.at <= at)
      if (f) return { text: f.title }
      if (number >= 0) return { violation: number, text: `${row.violations[number].rule} of ${row.violations[number].key}\n${row.violations[number].sentence}` }
      if (led) return { text: (led.leader < 0 ? 'no leader' : `${data.nodes[led.leader]} led, term ${led.term}`) + `, since ${inSeconds(led.at)}` }
      return {}
    }
    const row = Math.floor((py - layout.laneTop) / layout.rowHeight)
    if (px < left) {
      const group = lanes.groups.find((g) => g.from <= row && row < g.to)
      return group && group.title ? { text: group.title } : {}
    }
    let best = -1
    let distance = near
    const begin = firstFrom(ops.call, at - near - Math.max(ops.longest, openFor))
    const stop = firstFrom(ops.call, at + near)
    for (let i = begin; i < stop; i++) {
      if (lanes.row[i] !== row || !state.shown[i]) continue
      const d = Math.max(ops.call[i] - at, at - this.timeAt(endOf(data, layout, i, this.x(ops.call[i]), layout.scale)), 0)
      if (d <= distance) {
        best = i
        distance = d
      }
    }
    return best >= 0 ? { operation: best, text: sentence(data, best) } : {}
  }
}
