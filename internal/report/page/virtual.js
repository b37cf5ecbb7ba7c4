
// Virtual: long lists of which only the lines in view are in the page.

// VirtualList shows count lines of the same height in a container that scrolls. render
// fills an empty line.
class VirtualList {
  constructor (container, height, render) {
    Object.assign(this, { container, height, render, count: 0, head: 0 })
    this.space = element('div', 'space')
    container.append(this.space)
    this.lines = new Map()
    this.later = oncePerFrame(() => this.draw())
    container.addEventListener('scroll', () => this.later(), { passive: true })
    new ResizeObserver(() => this.later()).observe(container)
  }

  // reset shows another list of so many lines.
  reset (count) {
    this.count = count
    this.space.style.height = count * this.height + 'px'
    for (const line of this.lines.values()) line.remove()
    this.lines.clear()
    this.draw()
  }

  // range is what is in view: the first line and the one after the last.
  range () {
    const top = Math.max(this.container.scrollTop - this.head, 0)
    return [Math.floor(top / this.height), Math.min(Math.ceil((top + this.container.clientHeight) / this.height) + 1, this.count)]
  }

  draw () {
    const [first, end] = this.range()
    for (const [i, line] of this.lines) {
      if (i < first - 8 || i >= end + 8) {
        line.remove()
        this.lines.delete(i)
      }
    }
    for (let i = Math.max(first - 8, 0); i < Math.min(end + 8, this.count); i++) {
      if (this.lines.has(i)) continue
      const line = element('div', 'line')
      line.style.top = i * this.height + 'px'
      this.render(line, i)
      this.lines.set(i, line)
      this.space.append(line)
    }
  }

  // redraw renders the lines in view anew.
  redraw () {
    for (const line of this.lines.values()) line.remove()
    this.lines.clear()
    this.draw()
  }

  // show scrolls so that a line is in view, in the middle if it was not.
  show (i) {
    const top = i * this.height
    const view = this.container.clientHeight - this.head
    if (top >= this.container.scrollTop && top + this.height <= this.container.scrollTop + view) return
    this.container.scrollTop = top - view / 2
  }
}
