package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// grace is what a child may take beyond its bound, for generating the history
// and for ending on its own, before it is killed.
const grace = 2 * time.Minute

// child starts this program again with an argument, hands it in as JSON, waits
// for its end, and reads its output into out.
func child(ctx context.Context, longest time.Duration, argument string, in, out any) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the benchmark's own file: %w", err)
	}
	input, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("start %s: %w", argument, err)
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, argument) // kills it when ctx ends
	var output, problem bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &output, &problem
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("%s: %w: %s", argument, err, lastLine(problem.Bytes()))
	}
	if err := json.Unmarshal(output.Bytes(), out); err != nil {
		return fmt.Errorf("%s: read its outcome: %w", argument, err)
	}
	return nil
}

func lastLine(b []byte) []byte {
	b = bytes.TrimSpace(b)
	return b[bytes.LastIndexByte(b, '\n')+1:]
}

// inChild measures in a process of its own.
func inChild(ctx context.Context, j job) (outcome, error) {
	var o outcome
	err := child(ctx, j.Bounds.Time+grace, measureArgument, j, &o)
	return o, err
}
