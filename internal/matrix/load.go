package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
)

// keepBusy starts a process for each core that does nothing of use, until stop. They are
// processes of their own, so that the scheduler deals with them as with anybody's.
func keepBusy(self string) (stop func(), err error) {
	var ends []func()
	stop = func() {
		for _, end := range ends {
			end()
		}
	}
	for range runtime.NumCPU() {
		cmd := exec.Command(self, spinArgument)
		// It ends with this pipe, also if this process is killed.
		pipe, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			stop()
			return nil, fmt.Errorf("keep the cores busy: %w", err)
		}
		ends = append(ends, func() {
			_ = errors.Join(pipe.Close(), cmd.Wait()) // it was told to end, however it did
		})
	}
	return stop, nil
}

// spin keeps one core busy until its input ends.
func spin(input io.Reader) int {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, input)
		close(ended)
	}()
	for n := 0; ; n++ {
		if n%(1<<20) == 0 {
			select {
			case <-ended:
				return 0
			default:
			}
		}
	}
}
