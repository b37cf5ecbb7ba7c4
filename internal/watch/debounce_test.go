package watch

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestEventsAreToldOnceTheyHaveComeToRest(t *testing.T) {
	for _, c := range []struct {
		name   string
		events []time.Duration // when they come
		want   []time.Duration // when they are told
	}{
		{"one", []time.Duration{0}, []time.Duration{100}},
		{"one burst", []time.Duration{0, 50, 120}, []time.Duration{220}},
		{"two bursts", []time.Duration{0, 50, 300, 350}, []time.Duration{150, 450}},
		{"without end", []time.Duration{0, 90, 180, 270, 360, 450, 540, 630}, []time.Duration{500, 730}},
		{"none", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // in a time of its own
				d := newDebouncer(100*time.Millisecond, 500*time.Millisecond)
				began := time.Now()
				var told []time.Duration
				end := time.After(2 * time.Second)
				events := make(chan struct{})
				go func() {
					for _, at := range c.events {
						time.Sleep(at*time.Millisecond - time.Since(began))
						events <- struct{}{}
					}
				}()
				for over := false; !over; {
					select {
					case <-events:
						d.event()
					case <-d.rest():
						d.told()
						told = append(told, time.Since(began)/time.Millisecond)
					case <-end:
						over = true
					}
				}
				if len(told) != len(c.want) {
					t.Fatalf("told at %d, want %d", told, c.want)
				}
				for i := range told {
					if told[i] != c.want[i] {
						t.Errorf("told at %d, want %d", told, c.want)
					}
				}
			})
		})
	}
}
