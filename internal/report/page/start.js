
// Start: everything is put together.

// drawLegend shows each sign in the way in which the canvas draws it.
function drawLegend (legend) {
  for (const [name, style] of [['write', 'put'], ['read', 'get'], ['delete', 'delete'], ['refused', 'failed'], ['no answer', 'unknown'], ['fault', 'fault'], ['part of a proof', 'proof']]) {
    const key = element('span', 'key')
    key.append(element('i', 'sample ' + style), name)
    legend.append(key)
  }
}

// loadPicture shows the checker's picture when it is asked for: it measures its texts when
// it loads, and a frame that is out of sight has no sizes.
function loadPicture () {
  const details = document.getElementById('picture-of-key')
  if (!details) return
  details.addEventListener('toggle', async () => {
    const frame = details.querySelector('iframe')
    if (details.open && !frame.srcdoc) frame.srcdoc = await unpack('picture-data')
  }, { once: true })
}

async function start () {
  const loading = document.getElementById('loading')
  if (typeof DecompressionStream === 'undefined') {
    loading.textContent = 'This browser is too old for the timeline, the logs and the table of operations: it cannot unpack them. All else is on this page.'
    return
  }
  loading.textContent = 'Unpacking all operations …'
  const data = await load()
  document.getElementById('ready').hidden = false
  document.getElementById('operations-section').hidden = false
  if (new Set(data.ops.node).size > 1) document.getElementById('filters').elements.lanes.value = state.lanes = 'node'
  setUpFilter(data, document.getElementById('filters'))
  state.from = -1
  wholeRun(data)
  const timeline = new Timeline(data, document.getElementById('canvas'))
  setUpPointers(data, timeline, document.getElementById('tip'))
  setUpKeys(data, timeline)
  drawLegend(document.getElementById('legend'))
  const panel = document.getElementById('selected')
  on('selection', () => showSelected(data, panel))
  on('cursor', () => { if (state.selected < 0) showSelected(data, panel) })
  setUpTable(data, document.getElementById('rows'), document.getElementById('search'))
  setUpLogs(data, document.getElementById('log-lines'))
  if (!setUpLinks(data) && data.violations.length > 0) showViolation(data, 0)
  loadPicture()
  window.lsfr = { data, state, timeline } // for those who look at it in the browser's console
  loading.remove()
  document.documentElement.dataset.ready = 'true'
}

start().catch((error) => {
  document.getElementById('loading').textContent = 'The timeline could not be shown: ' + error.message
  throw error
})
