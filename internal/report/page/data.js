
// Data: operations, faults, leaders and logs, unpacked from the page's end.

// unpack returns the text of a packed script block. Its characters are freed.
async function unpack (id) {
  const element = document.getElementById(id)
  const binary = atob(element.textContent)
  element.textContent = ''
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Response(stream).text()
}

// sums turns differences back into numbers.
function sums (differences, Type) {
  const out = new Type(differences.length)
  let sum = 0
  for (let i = 0; i < out.length; i++) out[i] = sum += differences[i]
  return out
}

const outcomes = ['unknown', 'ok', 'failed']

// load reads the packed data. Times are nanoseconds, operations are sorted by their call.
async function load () {
  const data = JSON.parse(await unpack('data'))
  const packed = data.ops
  const ops = {
    n: packed.id.length,
    id: sums(packed.id, Float64Array),
    call: sums(packed.call, Float64Array),
    took: Float64Array.from(packed.took),
    client: Int32Array.from(packed.client),
    node: Uint16Array.from(packed.node),
    kind: Uint8Array.from(packed.kind),
    key: Uint32Array.from(packed.key),
    value: Int32Array.from(packed.value),
    outcome: Uint8Array.from(packed.outcome),
    status: Uint16Array.from(packed.status),
    error: Int32Array.from(packed.error),
    expected: packed.expected || {},
    defect: packed.defect || {},
    final: new Set(packed.final || []),
    longest: 0
  }
  for (let i = 0; i < ops.n; i++) ops.longest = Math.max(ops.longest, ops.took[i])
  const logs = data.logs && {
    at: sums(data.logs.t, Float64Array).map((ms) => ms * 1e6),
    node: data.logs.node,
    text: data.logs.text,
    gaps: new Map(data.logs.gaps || []),
    leftOut: data.logs.leftOut,
    notes: data.logs.notes || []
  }
  return { ...data, ops, logs }
}

// firstFrom returns the first index of a sorted array whose element is at least x.
function firstFrom (sorted, x) {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle] < x) low = middle + 1
    else high = middle
  }
  return low
}

// oncePerFrame returns what asks for a drawing: asking again before it is done changes nothing.
function oncePerFrame (draw) {
  let pending = false
  return () => {
    if (pending) return
    pending = true
    requestAnimationFrame(() => {
      pending = false
      draw()
    })
  }
}
