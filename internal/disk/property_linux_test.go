package disk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// A cell is 64 bytes that all say which write they come from: 8 times the number of the
// write. So every byte of a file can be traced to a write, or is zero.
const cell = 64

func stamp(n uint64, cells int) []byte {
	return bytes.Repeat(binary.LittleEndian.AppendUint64(nil, n), cells*cell/8)
}

// model is one worker's file: for each word of 8 bytes, what was there at the last sync,
// and what was written there since.
type model struct {
	path    string
	durable []uint64
	since   []map[uint64]bool
	seen    []uint64
	named   bool // its name is durable
	last    uint64
}

func (m *model) grow(words int) {
	for len(m.seen) < words {
		m.seen = append(m.seen, 0)
		if len(m.since) < len(m.seen) {
			m.since = append(m.since, map[uint64]bool{})
		}
		m.since[len(m.seen)-1][0] = true
	}
}

func (m *model) write(at, words int, n uint64) {
	m.grow(at + words)
	for i := range words {
		m.seen[at+i] = n
		m.since[at+i][n] = true
	}
}

func (m *model) cut(words int) {
	m.grow(words)
	m.seen = m.seen[:words]
	for _, s := range m.since[words:] {
		s[0] = true // it may come back as zero
	}
}

func (m *model) synced() {
	m.durable = append([]uint64(nil), m.seen...)
	m.since = make([]map[uint64]bool, len(m.seen))
	for i := range m.since {
		m.since[i] = map[uint64]bool{}
	}
	m.named = true
}

// check compares a file after a loss with what may be left of it.
func (m *model) check(data []byte) error {
	words := len(data) / 8
	shortest := len(m.durable)
	changed := false
	for i, s := range m.since {
		if len(s) > 0 {
			changed = true
			if i < len(m.durable) {
				shortest = min(shortest, i) // something at i was cut or overwritten
			}
		}
	}
	if !changed && words != len(m.durable) {
		return fmt.Errorf("%d words, but %d were synced", words, len(m.durable))
	}
	if words < shortest {
		return fmt.Errorf("%d words, but the first %d were synced and not touched", words, shortest)
	}
	for i := range words {
		got := binary.LittleEndian.Uint64(data[i*8:])
		var durable uint64
		if i < len(m.durable) {
			durable = m.durable[i]
		}
		var since map[uint64]bool
		if i < len(m.since) {
			since = m.since[i]
		}
		if got != durable && !since[got] {
			return fmt.Errorf("word %d is of write %d, but %d was synced and %v written since", i, got, durable, since)
		}
	}
	return nil
}

// work does random things to a file, as random says.
func (m *model) work(random *rand.Rand, steps int) error {
	f, err := os.OpenFile(m.path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	for range steps {
		words := cell / 8
		switch at := random.IntN(400); random.IntN(10) {
		case 0, 1:
			if err := f.Sync(); err != nil {
				return err
			}
			m.synced()
		case 2:
			if err := f.Truncate(int64(at * cell)); err != nil {
				return err
			}
			m.cut(at * words)
		case 3: // by another name, which may or may not survive: the content must not care
			other := m.path + ".other"
			if err := os.Rename(m.path, other); err != nil {
				return err
			}
			if err := os.Rename(other, m.path); err != nil {
				return err
			}
		case 4, 5: // append
			at = len(m.seen) / words
			fallthrough
		default:
			n := 1 + random.IntN(200)
			m.last++
			if _, err := f.WriteAt(stamp(m.last, n), int64(at*cell)); err != nil {
				return err
			}
			m.write(at*words, n*words, m.last)
		}
	}
	return nil
}

func TestWhatWasSyncedIsAlwaysThereAndTheRestIsOfSomeWrite(t *testing.T) {
	const workers, losses, steps = 4, 12, 40
	for seed := range int64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			d, dir := mount(t, Options{})
			models := make([]*model, workers)
			for w := range models {
				models[w] = &model{path: filepath.Join(dir, fmt.Sprint("file", w))}
			}
			var met, kept int64
			for round := range losses {
				var all sync.WaitGroup
				for w, m := range models {
					all.Go(func() {
						random := rand.New(rand.NewPCG(uint64(seed), uint64(round*workers+w)))
						if err := m.work(random, steps); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				l := lose(t, d, seed*losses+int64(round))
				met += int64(l.Writes)
				for _, f := range l.Files {
					kept += f.Kept
				}
				for _, m := range models {
					data, err := os.ReadFile(m.path)
					other, otherErr := os.ReadFile(m.path + ".other")
					switch {
					case err != nil && otherErr == nil: // a loss between the renames
						data, err = other, os.Rename(m.path+".other", m.path)
					case os.IsNotExist(err) && !m.named:
						*m = model{path: m.path, last: m.last}
						continue
					}
					if err == nil {
						err = m.check(data)
					}
					if err != nil {
						t.Fatalf("round %d, %s: %v\n%+v", round, m.path, err, l)
					}
					// What is there now is durable.
					m.seen = nil
					for i := 0; i+8 <= len(data); i += 8 {
						m.seen = append(m.seen, binary.LittleEndian.Uint64(data[i:]))
					}
					m.synced()
				}
			}
			if met == 0 || kept == 0 {
				t.Errorf("%d writes were not durable, %d bytes of them kept: nothing was tested", met, kept)
			}
		})
	}
}
