package models

import "slices"

// arc says that one event comes before another.
type arc struct {
	from, to int32
	// inferred is set unless the arc is session order or reading: from is
	// ordered before to because of what some read saw.
	inferred bool
	// seen and read belong to an inferred arc of the session guarantees: a read
	// that saw from, if any, and the later one that saw to.
	seen, read int32
	// round counts in which step of a saturation the arc was inferred.
	round int32
}

// graph holds arcs by the event that they lead to.
type graph struct {
	arcs  []arc
	start []int32 // arcs[start[n]:start[n+1]] lead to n
}

func newGraph(n int, arcs []arc) *graph {
	g := &graph{arcs: make([]arc, len(arcs)), start: make([]int32, n+1)}
	for i := range arcs {
		g.start[arcs[i].to+1]++
	}
	for i := range n {
		g.start[i+1] += g.start[i]
	}
	next := slices.Clone(g.start)
	for _, a := range arcs {
		g.arcs[next[a.to]] = a
		next[a.to]++
	}
	return g
}

func (g *graph) size() int { return len(g.start) - 1 }

// into returns the arcs that lead to n.
func (g *graph) into(n int32) []arc { return g.arcs[g.start[n]:g.start[n+1]] }

// topological returns an order in which every arc leads forward; shorter than
// the graph if there is none.
func (g *graph) topological() []int32 {
	left := make([]int32, g.size()) // how many arcs lead from it, still
	for i := range g.arcs {
		left[g.arcs[i].from]++
	}
	order := make([]int32, 0, len(left))
	for n := range left {
		if left[n] == 0 {
			order = append(order, int32(n))
		}
	}
	for i := 0; i < len(order); i++ {
		for _, a := range g.into(order[i]) {
			if left[a.from]--; left[a.from] == 0 {
				order = append(order, a.from)
			}
		}
	}
	slices.Reverse(order)
	return order
}

// components numbers the strongly connected components (Tarjan, Depth-first
// search and linear graph algorithms, SIAM J. Comput. 1972): an arc lies on a
// cycle iff its ends have one number.
func (g *graph) components() []int32 {
	n := g.size()
	component, index, low := make([]int32, n), make([]int32, n), make([]int32, n)
	type frame struct{ node, arc int32 }
	var calls []frame
	var open []int32
	count, number := int32(0), int32(0)
	for root := range n {
		if index[root] != 0 {
			continue
		}
		calls = append(calls[:0], frame{int32(root), g.start[root]})
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			v := f.node
			if f.arc == g.start[v] && index[v] == 0 {
				count++
				index[v], low[v] = count, count
				open = append(open, v)
			}
			if f.arc < g.start[v+1] {
				u := g.arcs[f.arc].from
				f.arc++
				switch {
				case index[u] == 0:
					calls = append(calls, frame{u, g.start[u]})
				case component[u] == 0: // still open
					low[v] = min(low[v], index[u])
				}
				continue
			}
			if low[v] == index[v] {
				number++
				for u := int32(-1); u != v; {
					u = open[len(open)-1]
					open = open[:len(open)-1]
					component[u] = number
				}
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				p := calls[len(calls)-1].node
				low[p] = min(low[p], low[v])
			}
		}
	}
	return component
}

// path returns the arcs of a shortest path that leads from an event that is
// wanted to any of the targets, over arcs that may be used; nil if there is
// none. A target that is itself wanted does not count as a path.
func (g *graph) path(targets []int32, wanted func(n int32) bool, usable func(a *arc) bool) []arc {
	via := make(map[int32]int32, 16) // event to the arc by which it leads on
	queue := slices.Clone(targets)
	for _, t := range targets {
		via[t] = -1
	}
	for i := 0; i < len(queue); i++ {
		n := queue[i]
		for j := g.start[n]; j < g.start[n+1]; j++ {
			a := &g.arcs[j]
			if _, ok := via[a.from]; ok || usable != nil && !usable(a) {
				continue
			}
			via[a.from] = j
			if !wanted(a.from) {
				queue = append(queue, a.from)
				continue
			}
			var path []arc
			for at := a.from; via[at] >= 0; {
				step := g.arcs[via[at]]
				path = append(path, step)
				at = step.to
			}
			return path
		}
	}
	return nil
}
