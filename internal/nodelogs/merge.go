package nodelogs

import "time"

// Merger merges sources by time. It holds one line of each in memory. The zero value
// has no sources.
type Merger struct{ sources []*head }

// head is a source and its next line, if that was read.
type head struct {
	Source
	line Line
	has  bool
}

// Add adds a source. Of lines of the same millisecond, those of the source that was added
// first come first.
func (m *Merger) Add(s Source) { m.sources = append(m.sources, &head{Source: s}) }

// stamp is a time as the logs of nodes have it: with more than that, what lsfr did would
// come after what the node said to it.
func stamp(t time.Time) time.Time { return t.Truncate(time.Millisecond) }

// Next returns the earliest line, unless that is later than until: what the other
// sources will have may still be earlier. It is not ok if there is none.
func (m *Merger) Next(until time.Time) (line Line, ok bool, err error) {
	var first *head
	for _, h := range m.sources {
		if !h.has {
			if h.line, h.has, err = h.Source.Next(); err != nil {
				return Line{}, false, err
			}
		}
		if h.has && (first == nil || stamp(h.line.Time).Before(stamp(first.line.Time))) {
			first = h
		}
	}
	if first == nil || first.line.Time.After(until) {
		return Line{}, false, nil
	}
	first.has = false
	return first.line, true, nil
}
