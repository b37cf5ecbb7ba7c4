package disk

// sector is what a disk writes as a whole, page what the kernel does.
const (
	sector = 512
	page   = 4096
)

// maxPages bounds how many pieces KeptPages divides a file into; of more pages, several
// share their fate.
const maxPages = 1 << 16

// survival is what a loss keeps of a file's changes.
type survival struct {
	// kept is what is applied to what was durable; nil if nothing is.
	kept *change
	// pieces hold the content of kept where the file as seen has something newer.
	pieces []piece
}

// survive chooses what a loss keeps of changes, of which there is at least one. durable
// is the size that is durable; random returns a number from 0 to n-1.
func survive(kind Kind, log []change, durable int64, random func(n int) int) survival {
	switch kind {
	case KeptPrefix:
		return prefix(log, random(len(log)+1))
	case KeptPages:
		return survival{kept: somePages(merge(log), durable, random)}
	case KeptTorn:
		return torn(log, durable, random)
	}
	return survival{}
}

// prefix keeps the first n changes.
func prefix(log []change, n int) survival {
	if n == 0 {
		return survival{}
	}
	kept := merge(log[:n])
	s := survival{kept: &kept}
	for i := len(log) - 1; i >= n; i-- {
		s.pieces = append(s.pieces, log[i].saved...)
	}
	return s
}

// torn keeps all but a part of the last change.
func torn(log []change, durable int64, random func(n int) int) survival {
	last := log[len(log)-1]
	s := prefix(log, len(log)-1)
	if len(last.spans) == 0 || last.cut != uncut {
		return s
	}
	x := last.spans[0]
	ends := sectorEnds(x)
	at := random(ends + 1)
	if at == 0 {
		return s // not one of its sectors was written
	}
	x.end = x.off - x.off%sector + int64(at)*sector
	part := change{cut: uncut, spans: spans{x}, size: max(durable, x.end)}
	if s.kept == nil {
		s.kept = &part
	} else {
		part.size = max(s.kept.size, x.end)
		both := s.kept.then(part)
		s.kept = &both
	}
	s.pieces = without(s.pieces, x)
	return s
}

// sectorEnds counts the ends of sectors strictly inside x.
func sectorEnds(x span) int {
	return int((x.end-1)/sector - x.off/sector)
}

// without drops what the pieces say about x: the file as seen has it.
func without(pieces []piece, x span) []piece {
	var out []piece
	for _, p := range pieces {
		whole := span{p.off, p.off + int64(len(p.data))}
		for _, y := range (spans{}).add(whole).remove(x) {
			out = append(out, piece{y.off, p.data[y.off-p.off : y.end-p.off]})
		}
	}
	return out
}

// somePages keeps every cut and each page of the spans or not. The file ends behind the
// last page that was kept, so a page that is lost before it is zero.
func somePages(all change, durable int64, random func(n int) int) *change {
	step := int64(page)
	for all.spans.bytes()/step > maxPages {
		step *= 2
	}
	likely := 1 + random(3) // of 4
	kept := change{cut: all.cut, size: min(durable, all.cut)}
	for _, x := range all.spans {
		for x.off < x.end {
			y := span{x.off, min(x.end, x.off-x.off%step+step)}
			if random(4) < likely {
				kept.spans = kept.spans.add(y)
				kept.size = max(kept.size, y.end)
			}
			x.off = y.end
		}
	}
	return &kept
}
