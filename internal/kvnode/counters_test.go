package kvnode

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// counters are clients that write growing numbers to keys of their own, one after the other.
type counters struct {
	mu                  sync.Mutex
	acknowledged, tried [][counterKeys]int // by client
}

const counterKeys = 5

func newCounters(clients int) *counters {
	return &counters{acknowledged: make([][counterKeys]int, clients), tried: make([][counterKeys]int, clients)}
}

func counterKey(client, i int) string { return fmt.Sprintf("c%d-%d", client, i%counterKeys) }

// counterValue has some of each size that a disk may tear differently: parts of a sector, a page, and more.
func counterValue(client, i int) string {
	size := []int{100, 700, 6000, 300, 40_000, 5000, 100, 150_000}[(client+i)%8]
	return strconv.Itoa(i) + " " + strings.Repeat("x", size)
}

// count runs the clients until the node has acknowledged so many more writes, calls end, and returns when they have ended.
// A client whose write fails ends too. Meanwhile is called again and again.
func (c *counters) count(n *nodeProcess, client *http.Client, writes int, end func(), meanwhile ...func()) {
	var count atomic.Int64
	enough, ending := make(chan struct{}), make(chan struct{})
	var running sync.WaitGroup
	for k := range c.tried {
		running.Go(func() {
			for i := slices.Max(c.tried[k][:]) + 1; ; i++ {
				select {
				case <-ending:
					return
				default:
				}
				c.set(c.tried, k, i)
				status, _, err := n.do(client, "PUT", "/kv/"+counterKey(k, i), counterValue(k, i))
				if err != nil || status != http.StatusOK {
					return
				}
				c.set(c.acknowledged, k, i)
				if count.Add(1) == int64(writes) {
					close(enough)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { running.Wait(); close(over) }()
	for going := true; going; {
		select {
		case <-enough:
			going = false
		case <-over:
			going = false
		default:
			if len(meanwhile) == 0 {
				select {
				case <-enough:
				case <-over:
				}
			}
			for _, f := range meanwhile {
				f()
			}
		}
	}
	end()
	close(ending)
	<-over
}

func (c *counters) set(numbers [][counterKeys]int, client, i int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	numbers[client][i%counterKeys] = i
}

// now is what is acknowledged at this moment; everything may have been tried when somebody looks.
func (c *counters) now() *counters {
	c.mu.Lock()
	defer c.mu.Unlock()
	copied := newCounters(len(c.tried))
	copy(copied.acknowledged, c.acknowledged)
	for k := range copied.tried {
		for slot := range copied.tried[k] {
			copied.tried[k][slot] = math.MaxInt
		}
	}
	return copied
}

// missing says what is not there that was acknowledged, or is there but was not written, "" for nothing.
func (c *counters) missing(get func(key string) (string, bool)) string {
	for k := range c.tried {
		for slot, acknowledged := range c.acknowledged[k] {
			key := counterKey(k, slot)
			value, ok := get(key)
			number, _, _ := strings.Cut(value, " ")
			got, _ := strconv.Atoi(number)
			switch {
			case got < acknowledged && (!ok || value == counterValue(k, got)):
				return fmt.Sprintf("%s: %d was acknowledged, there is %d", key, acknowledged, got)
			case ok && (got > c.tried[k][slot] || value != counterValue(k, got)):
				return fmt.Sprintf("%s: %.20q (%d bytes), which nobody has written", key, value, len(value))
			}
		}
	}
	return ""
}

// wrong is missing for what a node answers.
func (c *counters) wrong(n *nodeProcess, client *http.Client) (wrong string) {
	missing := c.missing(func(key string) (string, bool) {
		status, value, err := n.do(client, "GET", "/kv/"+key, "")
		if err != nil || status != http.StatusOK && status != http.StatusNotFound {
			wrong = fmt.Sprintf("%s: %d, %v", key, status, err)
		}
		return value, status == http.StatusOK
	})
	return cmp.Or(wrong, missing)
}
