
// Touch: pointers, wheel and keys on the timeline. One pointer moves, two zoom, as on a map.

const still = 4 // pixels that a click may move

function setUpPointers (data, timeline, tip) {
  const { canvas } = timeline
  const pointers = new Map()
  let moved = 0
  const place = (event) => {
    const box = canvas.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }
  const hover = (p) => {
    const { text } = timeline.under(p.x, p.y)
    tip.hidden = !text
    canvas.classList.toggle('over', Boolean(text))
    if (!text) return
    tip.textContent = text
    const width = canvas.parentElement.clientWidth
    tip.style.left = Math.max(Math.min(p.x + 14, width - tip.offsetWidth - 8), 0) + 'px'
    const below = p.y + 18 // where the stage has room for it, else above
    tip.style.top = (below + tip.offsetHeight < canvas.clientHeight ? below : Math.max(p.y - tip.offsetHeight - 10, 0)) + 'px'
  }
  const click = (p) => {
    const found = timeline.under(p.x, p.y)
    if (found.violation !== undefined) showViolation(data, found.violation)
    else if (found.operation !== undefined) select(data, found.operation, 'pointer')
    else if (p.x >= left) {
      state.selected = -1
      setCursor(data, timeline.timeAt(p.x), 'pointer')
      emit('selection', 'pointer')
    }
  }
  canvas.addEventListener('pointerdown', (event) => {
    pointers.set(event.pointerId, place(event))
    canvas.setPointerCapture(event.pointerId)
    moved = pointers.size > 1 ? Infinity : 0
  })
  canvas.addEventListener('pointermove', (event) => {
    const p = place(event)
    const before = pointers.get(event.pointerId)
    if (!before) return hover(p)
    tip.hidden = true
    const width = timeline.layout.width - left - right
    if (pointers.size === 1) {
      moved += Math.abs(p.x - before.x) + Math.abs(p.y - before.y)
      if (moved > still) move(data, (before.x - p.x) / width)
    } else {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1]
      const was = Math.max(Math.abs(before.x - other.x), 8)
      const is = Math.max(Math.abs(p.x - other.x), 8)
      zoom(data, was / is, timeline.timeAt((before.x + other.x) / 2))
      move(data, ((before.x + other.x) - (p.x + other.x)) / 2 / width)
    }
    pointers.set(event.pointerId, p)
  })
  const up = (event) => {
    if (!pointers.delete(event.pointerId)) return
    if (event.type === 'pointerup' && moved <= still) click(place(event))
  }
  canvas.addEventListener('pointerup', up)
  canvas.addEventListener('pointercancel', up)
  canvas.addEventListener('pointerleave', () => { tip.hidden = true })
  // Without the focus, the wheel goes on scrolling the page.
  canvas.addEventListener('wheel', (event) => {
    const unit = event.deltaMode === 1 ? 16 : 1
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault()
      return move(data, (event.deltaX || event.deltaY) * unit / timeline.layout.width)
    }
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return
    event.preventDefault()
    zoom(data, Math.exp(event.deltaY * unit * 0.002), timeline.timeAt(place(event).x))
  }, { passive: false })
}

// setUpKeys connects the keys: those of the timeline while it has the focus, n and p on the
// whole page. Tab always leaves the timeline.
function setUpKeys (data, timeline) {
  const keys = {
    ArrowLeft: () => move(data, -0.15),
    ArrowRight: () => move(data, 0.15),
    '+': () => zoom(data, 0.6, state.cursor !== null && state.cursor > state.from && state.cursor < state.to ? state.cursor : undefined),
    '-': () => zoom(data, 1 / 0.6),
    0: () => wholeRun(data),
    Home: () => setWindow(data, 0, state.to - state.from),
    End: () => setWindow(data, data.end - (state.to - state.from), data.end),
    '.': () => stepOperation(data, 1),
    ',': () => stepOperation(data, -1),
    Escape: () => {
      state.violation = -1
      state.cursor = null
      select(data, -1)
    }
  }
  keys['='] = keys['+']
  timeline.canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return
    event.preventDefault()
    keys[event.key]()
  })
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return
    if (event.key === 'n') stepViolation(data, 1)
    if (event.key === 'p') stepViolation(data, -1)
  })
  const buttons = { previous: () => stepViolation(data, -1), next: () => stepViolation(data, 1), in: keys['+'], out: keys['-'], all: keys[0] }
  for (const button of document.querySelectorAll('[data-do]')) {
    button.addEventListener('click', buttons[button.dataset.do])
    if (/next|previous/.test(button.dataset.do)) button.disabled = data.violations.length === 0
  }
}
