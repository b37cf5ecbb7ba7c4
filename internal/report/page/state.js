
// State: what is shown and selected, and who wants to know when it changes.

const state = {
  from: 0, // the window of time, in nanoseconds
  to: 1,
  selected: -1, // an operation
  cursor: null, // a moment
  violation: -1,
  lanes: 'client',
  shown: null, // for each operation, whether the filter lets it through
  list: null // the indexes of those
}

const listeners = { window: [], selection: [], filter: [], cursor: [] }

function on (event, listener) { listeners[event].push(listener) }

function emit (event, source) {
  for (const listener of listeners[event]) listener(source)
}

// least is the shortest window, in nanoseconds.
const least = 2e4

function marginOf (data) { return data.end * 0.02 + 1e6 }

// setWindow shows the time between from and to, within the run and a little around it.
function setWindow (data, from, to) {
  const margin = marginOf(data)
  const whole = data.end + 2 * margin
  const length = Math.min(Math.max(to - from, least), whole)
  const middle = (from + to) / 2
  from = Math.min(Math.max(middle - length / 2, -margin), data.end + margin - length)
  if (from === state.from && from + length === state.to) return
  state.from = from
  state.to = from + length
  emit('window')
}

function wholeRun (data) { setWindow(data, -marginOf(data), data.end + marginOf(data)) }

// zoom makes the window so many times as long; what is at the moment at stays where it is.
function zoom (data, factor, at = (state.from + state.to) / 2) {
  const length = Math.min(Math.max((state.to - state.from) * factor, least), data.end + 2 * marginOf(data))
  const share = (at - state.from) / (state.to - state.from)
  setWindow(data, at - share * length, at + (1 - share) * length)
}

// move moves the window by a share of its length.
function move (data, share) {
  const by = (state.to - state.from) * share
  setWindow(data, state.from + by, state.to + by)
}

// select selects an operation, or nothing with -1.
function select (data, i, source) {
  state.selected = i
  if (i >= 0) setCursor(data, data.ops.call[i], source)
  emit('selection', source)
}

// setCursor marks a moment, null for none.
function setCursor (data, at, source) {
  state.cursor = at
  emit('cursor', source)
}

// reveal moves the window so that a time between from and to is in it.
function reveal (data, from, to = from) {
  if (from >= state.from && to <= state.to) return
  const length = Math.max(state.to - state.from, (to - from) * 1.5)
  setWindow(data, (from + to) / 2 - length / 2, (from + to) / 2 + length / 2)
}

// showViolation selects where a violation shows, with its proof in view.
function showViolation (data, number) {
  const v = data.violations[number]
  state.violation = number
  let from = v.at
  let to = v.at
  for (const i of v.ops) {
    from = Math.min(from, data.ops.call[i])
    to = Math.max(to, data.ops.call[i] + Math.max(data.ops.took[i], 0))
  }
  const margin = Math.max((to - from) * 0.35, 5e6)
  setWindow(data, from - margin, to + margin)
  select(data, v.shows >= 0 ? v.shows : (v.ops.length ? v.ops[0] : -1), 'violation')
}

// stepViolation goes to the next violation in the list, or the previous one with -1.
function stepViolation (data, by) {
  const n = data.violations.length
  if (n === 0) return
  showViolation(data, state.violation < 0 ? (by > 0 ? 0 : n - 1) : (state.violation + by + n) % n)
}

// stepOperation selects the next operation that the filter lets through, or the previous one.
function stepOperation (data, by) {
  if (state.list.length === 0) return
  let at = state.selected >= 0
    ? firstFrom(state.list, state.selected)
    : firstFrom(state.list, firstFrom(data.ops.call, state.cursor ?? state.from)) - (by > 0 ? 1 : 0)
  if (state.list[at] === state.selected || by > 0 || state.selected < 0) at += by
  else at -= 1
  const i = state.list[Math.min(Math.max(at, 0), state.list.length - 1)]
  reveal(data, data.ops.call[i], data.ops.call[i] + Math.max(data.ops.took[i], 0))
  select(data, i, 'step')
}
