package netsim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whatever happens, what arrives is a prefix of what was sent, and after healing it
// is all there.
func TestBytesArriveInOrderAndCompletely(t *testing.T) {
	t.Parallel()
	seeds := 12
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			toggleWhileBytesFlow(t, uint64(seed))
		})
	}
}

func toggleWhileBytesFlow(t *testing.T, seed uint64) {
	const connections, toggles = 6, 60
	random := rand.New(rand.NewPCG(seed, 0))
	n := New(t.Context(), Config{Seed: int64(seed)})
	defer n.Close()

	var done atomic.Bool
	var moved atomic.Int64
	var users sync.WaitGroup
	for i := range connections {
		direction := []Direction{forth, back}[i%2]
		p := pairOf(t, n, direction)
		for j, way := range [][2]*net.TCPConn{{p.near, p.far}, {p.far, p.near}} {
			salt := seed<<8 | uint64(2*i+j)
			total := make(chan int, 1)
			users.Go(func() { total <- produce(t, way[0], salt, &done) })
			users.Go(func() { consume(t, way[1], salt, total, &moved) })
		}
	}

	var active []*Fault
	for range toggles {
		if len(active) > 0 && (len(active) == 3 || random.IntN(2) == 0) {
			i := random.IntN(len(active))
			active[i].Heal()
			active = append(active[:i], active[i+1:]...)
		} else {
			active = append(active, inject(t, n, drawConditions(random), [][]Direction{{forth}, {back}, {forth, back}}[random.IntN(3)]...))
		}
		// Under a cut nothing might move, so this is a pace, not a wait.
		time.Sleep(time.Duration(random.IntN(4000)) * time.Microsecond)
	}
	done.Store(true)
	for _, f := range active {
		f.Heal()
	}
	users.Wait()
	eventually(t, "the connections end", func() bool { return n.Open(forth, back) == 0 })
	if err := n.Err(); err != nil {
		t.Error(err)
	}
	if moved.Load() == 0 {
		t.Error("nothing moved")
	}
}

func drawConditions(random *rand.Rand) (c Conditions) {
	for c == (Conditions{}) {
		if random.IntN(3) == 0 {
			c.Cut = true
		}
		if random.IntN(3) == 0 {
			c.Delay = time.Duration(random.IntN(3000)) * time.Microsecond
			c.Jitter = time.Duration(random.IntN(3000)) * time.Microsecond
		}
		if random.IntN(3) == 0 {
			c.Loss = random.Float64() / 2
		}
		if random.IntN(3) == 0 {
			c.Bandwidth = 10_000 + random.Int64N(20_000_000)
		}
	}
	return c
}

// content is a byte of a stream, by its place.
func content(salt uint64, at int) byte {
	x := (salt<<40 + uint64(at)) * 0x9e3779b97f4a7c15
	return byte(x >> 56)
}

// produce writes pieces of random sizes until done, then ends the stream.
func produce(t *testing.T, conn *net.TCPConn, salt uint64, done *atomic.Bool) (total int) {
	random := rand.New(rand.NewPCG(salt, 1))
	for buffer := make([]byte, 100_000); !done.Load(); {
		piece := buffer[:1+random.IntN(1<<(1+random.IntN(16)))]
		for i := range piece {
			piece[i] = content(salt, total+i)
		}
		_ = conn.SetWriteDeadline(time.Now().Add(patience))
		if _, err := conn.Write(piece); err != nil {
			t.Error(err)
			return total
		}
		total += len(piece)
		if random.IntN(4) == 0 {
			time.Sleep(time.Duration(random.IntN(500)) * time.Microsecond)
		}
	}
	if err := conn.CloseWrite(); err != nil {
		t.Error(err)
	}
	return total
}

// consume reads until the end, and compares as it goes.
func consume(t *testing.T, conn *net.TCPConn, salt uint64, total <-chan int, moved *atomic.Int64) {
	read := 0
	for buffer := make([]byte, 50_000); ; {
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		n, err := conn.Read(buffer)
		for i, got := range buffer[:n] {
			if want := content(salt, read+i); got != want {
				t.Errorf("byte %d is %#x, want %#x", read+i, got, want)
				return
			}
		}
		read += n
		moved.Add(int64(n))
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Errorf("after %d bytes: %v", read, err)
			return
		}
	}
	if sent := <-total; read != sent {
		t.Errorf("%d bytes of %d arrived", read, sent)
	}
}
