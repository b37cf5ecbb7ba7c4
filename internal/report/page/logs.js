
// Logs: lines of all nodes by time, in step with the timeline's cursor.

function setUpLogs (data, container) {
  const { logs } = data
  if (!logs) return
  document.getElementById('logs-section').hidden = false
  const follow = document.getElementById('log-follow')
  const only = document.getElementById('log-node')
  for (const node of new Set(logs.node)) only.append(new Option(data.nodes[node], node))
  document.getElementById('log-note').textContent = [
    `${thousands(logs.text.length)} lines`,
    ...(logs.leftOut ? [`${thousands(logs.leftOut)} left out for want of room, those farthest from violations and faults first`] : []),
    ...logs.notes
  ].join('; ')

  let list = [] // indexes of lines; -1 - i stands for the gap before line i
  let current = -1
  const rows = new VirtualList(container, 20, (line, at) => {
    const i = list[at]
    if (i < 0) {
      line.classList.add('gap')
      line.textContent = `… ${thousands(logs.gaps.get(-1 - i))} lines left out`
      return
    }
    line.classList.toggle('own', logs.text[i].startsWith('--- lsfr: '))
    line.classList.toggle('current', at === current)
    line.append(element('time', '', inSeconds(logs.at[i])), element('b', `node p${logs.node[i] % 6}`, data.nodes[logs.node[i]]), element('span', '', logs.text[i]))
    line.addEventListener('click', () => {
      leads = true
      setCursor(data, logs.at[i], 'logs')
      reveal(data, logs.at[i])
      leads = false
    })
  })
  const timeOf = (at) => { const i = list[at]; return i < 0 ? logs.at[Math.min(-1 - i, logs.at.length - 1)] : logs.at[i] }

  // lineAt finds the last line that was printed by a time.
  const lineAt = (time) => {
    let low = 0
    let high = list.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (timeOf(middle) <= time) low = middle + 1
      else high = middle
    }
    return Math.max(low - 1, 0)
  }
  const fill = () => {
    list = []
    for (let i = 0; i <= logs.text.length; i++) {
      if (only.value === '' && logs.gaps.has(i)) list.push(-1 - i)
      if (i < logs.text.length && (only.value === '' || logs.node[i] === Number(only.value))) list.push(i)
    }
    rows.reset(list.length)
    current = -1
    toMoment(middle())
  }
  // While the list scrolls by itself, what comes into view is not what somebody looks for.
  let ownScroll = -1
  let leads = false // whether the timeline follows the list
  // middle is the moment that the timeline shows: the cursor if it is in view.
  const middle = () => state.cursor !== null && state.cursor >= state.from && state.cursor <= state.to ? state.cursor : (state.from + state.to) / 2
  const toMoment = (at) => {
    const line = lineAt(at)
    if (line === current || list.length === 0) return
    current = line
    container.scrollTop = current * rows.height - container.clientHeight / 2
    ownScroll = container.scrollTop
    rows.redraw()
  }
  container.addEventListener('scroll', () => {
    if (!follow.checked || list.length === 0 || Math.abs(container.scrollTop - ownScroll) < 2) return
    ownScroll = container.scrollTop
    current = Math.min(Math.round((container.scrollTop + container.clientHeight / 2) / rows.height), list.length - 1)
    leads = true
    setCursor(data, timeOf(current), 'logs')
    reveal(data, timeOf(current))
    leads = false
    rows.redraw()
  }, { passive: true })
  on('cursor', (source) => {
    if (source === 'logs' || !follow.checked) {
      current = state.cursor === null ? -1 : lineAt(state.cursor)
      rows.redraw()
    } else if (state.cursor !== null) toMoment(state.cursor)
  })
  const scrollAlong = oncePerFrame(() => toMoment(middle()))
  on('window', () => {
    if (!leads && follow.checked) scrollAlong()
  })
  only.addEventListener('input', fill)
  follow.addEventListener('input', () => {
    current = -1
    if (follow.checked) toMoment(middle())
  })
  fill()
}
