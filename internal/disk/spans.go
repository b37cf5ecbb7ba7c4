package disk

import (
	"slices"
	"sort"
)

// span is the bytes [off, end) of a file.
type span struct{ off, end int64 }

func (s span) length() int64 { return s.end - s.off }

// spans are sorted, not empty, and do not touch each other.
type spans []span

// maxSpans bounds the memory of a file with many scattered writes.
const maxSpans = 8192

// first returns the index of the first span that ends at off or later.
func (s spans) first(off int64) int {
	if n := len(s); n == 0 || s[n-1].end < off {
		return n // the usual case, appending
	}
	return sort.Search(len(s), func(i int) bool { return s[i].end >= off })
}

// add returns s with x in it. It may change s.
func (s spans) add(x span) spans {
	if x.end <= x.off {
		return s
	}
	i := s.first(x.off)
	j := i
	for ; j < len(s) && s[j].off <= x.end; j++ {
		x.off, x.end = min(x.off, s[j].off), max(x.end, s[j].end)
	}
	return slices.Replace(s, i, j, x)
}

// cut returns s without what lies at size or behind it. It may change s.
func (s spans) cut(size int64) spans {
	i := s.first(size)
	if i == len(s) {
		return s
	}
	if s[i].off < size {
		s[i].end = min(s[i].end, size)
		i++
	}
	return s[:i]
}

// remove returns s without x, as new spans.
func (s spans) remove(x span) spans {
	if x.end <= x.off {
		return s
	}
	var out spans
	for _, y := range s {
		if y.off < x.off {
			out = append(out, span{y.off, min(y.end, x.off)})
		}
		if y.end > x.end {
			out = append(out, span{max(y.off, x.end), y.end})
		}
	}
	return slices.DeleteFunc(out, func(y span) bool { return y.end <= y.off })
}

// overlap returns what s and x have in common, as new spans.
func (s spans) overlap(x span) spans {
	var out spans
	for i := s.first(x.off); i < len(s) && s[i].off < x.end; i++ {
		if y := (span{max(s[i].off, x.off), min(s[i].end, x.end)}); y.off < y.end {
			out = append(out, y)
		}
	}
	return out
}

// bytes counts the bytes in s.
func (s spans) bytes() int64 {
	var n int64
	for _, x := range s {
		n += x.length()
	}
	return n
}

// bounded returns s with gaps closed if there are too many spans. That is harmless
// for changes since the last sync: in a gap, the file is what it was.
func (s spans) bounded() spans {
	if len(s) <= maxSpans {
		return s
	}
	out := make(spans, 0, len(s)/2+1)
	for i := 0; i < len(s); i += 2 {
		out = append(out, span{s[i].off, s[min(i+1, len(s)-1)].end})
	}
	return out
}
