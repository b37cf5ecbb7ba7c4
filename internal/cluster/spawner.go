package cluster

import "runtime"

// A spawner starts processes from one thread that lives as long as the cluster:
// the parent-death signal is sent when the parent's thread ends, not its process,
// and Go ends threads as it likes.
type spawner struct {
	jobs chan func()
	done chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{jobs: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		for job := range s.jobs {
			job()
		}
	}()
	return s
}

// do runs the function on the spawner's thread and waits for it.
func (s *spawner) do(job func()) {
	finished := make(chan struct{})
	s.jobs <- func() {
		defer close(finished)
		job()
	}
	<-finished
}

// close ends the thread; do must not be called any more.
func (s *spawner) close() {
	close(s.jobs)
	<-s.done
}
