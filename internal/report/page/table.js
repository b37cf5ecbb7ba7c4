
// Table: the operations that the filter lets through, with search.

const columns = [['#', 'id'], ['called', 'time'], ['took', 'took'], ['client', 'client'], ['node', 'node'], ['what', 'what'], ['outcome', 'outcome']]

// matches finds the operations of a list that a text occurs in, or that a number after # names.
function matches (data, list, query) {
  const { ops } = data
  if (query === '') return list
  if (/^#\d+$/.test(query)) return list.filter((i) => ops.id[i] === Number(query.slice(1)))
  query = query.toLowerCase()
  const having = (texts) => texts.map((text) => text.toLowerCase().includes(query))
  const [keys, values, errors, nodes, kinds] = [data.keys, data.values, data.errors, data.nodes, data.kinds].map(having)
  return list.filter((i) => keys[ops.key[i]] || nodes[ops.node[i]] || kinds[ops.kind[i]] || (ops.value[i] >= 0 && values[ops.value[i]]) || (ops.error[i] >= 0 && errors[ops.error[i]]))
}

function setUpTable (data, container, search) {
  const { ops } = data
  let list = []
  const head = element('div', 'line head')
  head.setAttribute('role', 'row')
  for (const [name, style] of columns) {
    const cell = element('span', style, name)
    cell.setAttribute('role', 'columnheader')
    head.append(cell)
  }
  container.append(head)
  const proofs = new Set(data.violations.flatMap((v) => v.ops))
  const rows = new VirtualList(container, 28, (line, at) => {
    const i = list[at]
    line.setAttribute('role', 'row')
    line.id = 'operation-' + i
    line.setAttribute('aria-rowindex', at + 2)
    line.setAttribute('aria-selected', i === state.selected)
    line.classList.toggle('proof', proofs.has(i))
    const texts = [ops.id[i], inSeconds(ops.call[i], 6), ops.took[i] < 0 ? '–' : howLong(ops.took[i]), ops.client[i], data.nodes[ops.node[i]], what(data, i), answer(data, i)]
    texts.forEach((text, c) => {
      const cell = element('span', columns[c][1], text)
      cell.setAttribute('role', 'gridcell')
      line.append(cell)
    })
    line.lastChild.classList.add(outcomes[ops.outcome[i]])
    line.addEventListener('click', () => choose(at))
  })
  rows.head = 28
  rows.space.setAttribute('role', 'rowgroup')
  const choose = (at) => {
    const i = list[at]
    reveal(data, ops.call[i], ops.call[i] + Math.max(ops.took[i], 0))
    select(data, i, 'table')
  }
  const update = () => {
    list = matches(data, state.list, search.value.trim())
    container.setAttribute('aria-rowcount', list.length + 1)
    document.getElementById('found').textContent = `${thousands(list.length)} found`
    rows.reset(list.length)
  }
  search.addEventListener('input', () => {
    container.scrollTop = 0
    update()
  })
  container.addEventListener('keydown', (event) => {
    const page = Math.max(Math.floor(container.clientHeight / 28) - 2, 1)
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page }[event.key]
    if (event.key === 'Enter' && state.selected >= 0) {
      document.getElementById('explorer-section').scrollIntoView({ block: 'start' })
      document.getElementById('canvas').focus({ preventScroll: true })
    }
    if (!by || list.length === 0) return
    event.preventDefault()
    const at = state.selected < 0 ? rows.range()[0] : firstFrom(list, state.selected) + by
    choose(Math.min(Math.max(at, 0), list.length - 1))
  })
  on('filter', (source) => { if (source !== 'lanes') update() })
  on('selection', () => {
    const at = firstFrom(list, state.selected)
    const listed = state.selected >= 0 && list[at] === state.selected
    if (listed) rows.show(at)
    rows.redraw()
    if (listed) container.setAttribute('aria-activedescendant', 'operation-' + state.selected)
    else container.removeAttribute('aria-activedescendant')
  })
  update()
}
