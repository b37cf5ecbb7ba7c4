
// Links: the address names what is selected, so that it can be passed on.

// linkTo is the part of the address that names what is selected, empty if nothing is.
function linkTo (data) {
  if (state.selected >= 0) return '#op=' + data.ops.id[state.selected]
  if (state.cursor !== null) return '#t=' + (state.cursor / 1e9).toFixed(6)
  return ''
}

// follow goes where the address points; false if that is nowhere.
function followLink (data) {
  const operation = /^#op=(-?\d+)$/.exec(location.hash)
  const moment = /^#t=(-?\d+(?:\.\d+)?)$/.exec(location.hash)
  if (operation) {
    const i = data.ops.id.indexOf(Number(operation[1]))
    if (i < 0) return false
    const took = Math.max(data.ops.took[i], 0)
    const violation = data.violations.findIndex((v) => v.ops.includes(i))
    if (violation >= 0) showViolation(data, violation)
    else setWindow(data, data.ops.call[i] - Math.max(took * 2, 2e7), data.ops.call[i] + Math.max(took * 3, 4e7))
    select(data, i, 'link')
    return true
  }
  if (moment) {
    const at = Number(moment[1]) * 1e9
    const length = Math.min(state.to - state.from, 1e9)
    setWindow(data, at - length / 2, at + length / 2)
    state.selected = -1
    setCursor(data, at, 'link')
    emit('selection', 'link')
    return true
  }
  return false
}

function setUpLinks (data) {
  const button = document.getElementById('copy')
  const said = document.getElementById('copied')
  const update = () => {
    button.disabled = linkTo(data) === ''
    said.textContent = ''
  }
  on('selection', update)
  on('cursor', update)
  button.addEventListener('click', async () => {
    location.replace(linkTo(data)) // the address bar holds it as well, and no way back is lost
    try {
      await navigator.clipboard.writeText(location.href)
      said.textContent = 'Copied.'
    } catch {
      said.textContent = 'It is in the address bar now.'
    }
  })
  const section = document.getElementById('explorer-section')
  const go = () => {
    if (!followLink(data)) return false
    section.scrollIntoView({ block: 'start' })
    return true
  }
  window.addEventListener('hashchange', () => { if (linkTo(data) !== location.hash) go() })
  // A link to what is in the address bar already changes nothing there.
  for (const link of document.querySelectorAll('a.jump')) {
    link.addEventListener('click', () => { if (link.hash === location.hash) go() })
  }
  return go()
}
