// Package workload makes randomized operations from a seed, sends them to
// nodes over HTTP, and decides the outcome of each, once and for all.
package workload

import (
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A value's name is what a history records. A short value is its own name. A
// large one is named HEAD~SIZE, such as c3-118~102400, and goes over the wire
// as that name, another ~, and a filler made from the name, SIZE bytes
// together: the history stays small, and every byte of an answer can be
// compared with what was written (docs/history-format.md).

// longestName is the length in bytes up to which a body that is no large value
// is recorded as it is.
const longestName = 256

// LargeName names a value of size bytes.
func LargeName(head string, size int) string { return head + "~" + strconv.Itoa(size) }

// Body returns the bytes that the value of that name has on the wire.
func Body(name string) []byte {
	size, ok := largeSize(name)
	if !ok {
		return []byte(name)
	}
	b := make([]byte, 0, size+8)
	b = append(b, name...)
	b = append(b, '~')
	f := newFiller(name)
	for len(b) < size {
		b = f.append(b)
	}
	return b[:size]
}

// largeSize returns the size of a large value from its name.
func largeSize(name string) (int, bool) {
	head, digits, ok := strings.Cut(name, "~")
	if !ok || head == "" || digits == "" || len(digits) > 8 {
		return 0, false
	}
	size, err := strconv.Atoi(digits)
	// No answer is read beyond MaxBody, and a node must not make lsfr fill more.
	if err != nil || size <= len(name) || size > MaxBody || strconv.Itoa(size) != digits {
		return 0, false
	}
	return size, true
}

// Identify returns the name to record for a body that was read. A body that
// differs from every value that could have been written gets a shortened text
// as its name, which no write has, and a defect that says how it differs.
func Identify(body []byte) (name, defect string) {
	name, defect, _ = identify(body)
	return name, defect
}

// identify also tells whether the body is the beginning of a large value, or
// nothing at all, as an answer is that was cut off on its way.
func identify(body []byte) (name, defect string, cut bool) {
	if head, size, ok := header(body); ok {
		want := Body(head)
		if d := firstDifference(body, want); d < 0 {
			return head, "", false
		} else if d == len(body) {
			return shorten(body), fmt.Sprintf("it breaks off after %d of the %d bytes of %s", len(body), size, head), true
		} else if d == len(want) {
			return shorten(body), fmt.Sprintf("%d bytes follow after the %d bytes of %s", len(body)-size, size, head), false
		} else {
			return shorten(body), fmt.Sprintf("from byte %d on it is not %s any more, but %q", d, head, sample(body[d:])), false
		}
	}
	if len(body) > longestName {
		return shorten(body), fmt.Sprintf("its %d bytes do not begin like any value that was written: %q", len(body), sample(body)), false
	}
	if !utf8.Valid(body) {
		return strings.ToValidUTF8(string(body), "\uFFFD"), "it is not valid UTF-8", false
	}
	// The bytes of a large value's name alone are not that value.
	if _, ok := largeSize(string(body)); ok {
		return shorten(body), fmt.Sprintf("it breaks off after %d bytes, at the beginning of a large value", len(body)), true
	}
	return string(body), "", len(body) == 0
}

// header finds the name of a large value at the beginning of a body.
func header(body []byte) (name string, size int, ok bool) {
	begin := string(body[:min(len(body), longestName)])
	first := strings.IndexByte(begin, '~')
	if first < 0 {
		return "", 0, false
	}
	second := strings.IndexByte(begin[first+1:], '~')
	if second < 0 {
		return "", 0, false
	}
	name = begin[:first+1+second]
	size, ok = largeSize(name)
	return name, size, ok && utf8.ValidString(name)
}

// firstDifference returns -1 for equal slices. If one is the beginning of the
// other, it returns the shorter one's length.
func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) == len(b) {
		return -1
	}
	return n
}

// sample shows the beginning of something.
func sample(b []byte) string { return strings.ToValidUTF8(string(b[:min(len(b), 24)]), "\uFFFD") }

// shorten makes a name for a body that is nobody's value: its beginning, its
// length and a hash, so that different bodies get different names.
func shorten(body []byte) string {
	sum := sha256.Sum256(body)
	return fmt.Sprintf("%s… (%d bytes, sha256 %x)", sample(body), len(body), sum[:6])
}

// filler yields text that differs at every position and for every name, so
// that a mixture of two values, or of two places of one, shows.
type filler uint64

func newFiller(name string) filler {
	h := fnv.New64a()
	h.Write([]byte(name)) //nolint:errcheck // a hash never fails
	return filler(h.Sum64() | 1)
}

const fillerAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// append adds eight characters (xorshift64, Marsaglia 2003).
func (f *filler) append(b []byte) []byte {
	x := uint64(*f)
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	*f = filler(x)
	for range 8 {
		b = append(b, fillerAlphabet[x&63])
		x >>= 6
	}
	return b
}
