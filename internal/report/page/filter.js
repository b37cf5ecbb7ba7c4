
// Filter: which operations the timeline and the table show.

// listedKeys is the most keys that are offered for completion.
const listedKeys = 500

// setUpFilter connects the form. A key is given whole, or as a part of it with no match.
function setUpFilter (data, form) {
  const { ops } = data
  const options = (name, texts) => texts.forEach((text, i) => form.elements[name].append(new Option(text, i)))
  options('node', data.nodes)
  data.kinds.forEach((text, i) => { if (ops.kind.includes(i)) form.elements.kind.append(new Option(text, i)) })
  document.getElementById('keys').append(...data.keys.slice(0, listedKeys).sort().map((key) => new Option(key)))
  const apply = () => {
    const key = form.elements.key.value
    const exact = data.keys.indexOf(key)
    const keys = new Set()
    if (key) data.keys.forEach((k, i) => { if (exact >= 0 ? i === exact : k.includes(key)) keys.add(i) })
    const number = (name) => form.elements[name].value.trim() === '' ? -1 : Number(form.elements[name].value)
    const [client, node, kind, outcome] = ['client', 'node', 'kind', 'outcome'].map(number)
    let n = 0
    const list = new Uint32Array(ops.n)
    for (let i = 0; i < ops.n; i++) {
      const through = (!key || keys.has(ops.key[i])) && (client === -1 || ops.client[i] === client) && (node === -1 || ops.node[i] === node) &&
        (kind === -1 || ops.kind[i] === kind) && (outcome === -1 || ops.outcome[i] === outcome)
      state.shown[i] = through ? 1 : 0
      if (through) list[n++] = i
    }
    state.list = list.subarray(0, n)
    document.getElementById('matching').textContent = n === ops.n ? `${thousands(n)} operations` : `${thousands(n)} of ${thousands(ops.n)} operations`
    emit('filter')
  }
  form.addEventListener('submit', (event) => event.preventDefault())
  form.addEventListener('input', (event) => {
    if (event.target.name === 'lanes') {
      state.lanes = event.target.value
      emit('filter', 'lanes')
    } else apply()
  })
  form.addEventListener('reset', () => setTimeout(() => { // when the fields are empty
    state.lanes = form.elements.lanes.value
    emit('filter', 'lanes')
    apply()
  }))
  state.shown = new Uint8Array(ops.n)
  apply()
}
