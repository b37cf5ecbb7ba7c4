package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/st3v3nmw/lsfr/internal/nodelogs"
	"github.com/st3v3nmw/lsfr/internal/workspace"
)

const (
	// followEvery is how often files are looked at, and followLag how long a line is held
	// back because others with an earlier time may still be on their way.
	followEvery = 100 * time.Millisecond
	followLag   = 50 * time.Millisecond
)

// follow shows a run from its start, and goes on until it ends.
func (r *loggedRun) follow(ctx context.Context, p *logPrinter) error {
	over := false
	record, err := nodelogs.OpenRecord(filepath.Join(r.folder, workspace.RecordFile), func() { over = true })
	if err != nil {
		return err
	}
	files := map[string]*nodelogs.File{"": record} // by node
	defer func() {
		for _, f := range files {
			f.Close() //nolint:errcheck // only read
		}
	}()
	var merged nodelogs.Merger
	merged.Add(record)
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		// Before anything is read: what is written from here on is for the next time.
		until := time.Now().Add(-followLag)
		alive := r.settings.Alive()
		if r.spans, err = nodelogs.ReadSpans(r.folder, r.settings.Started); err != nil {
			return err
		}
		if err := r.open(files, &merged, p); err != nil {
			return err
		}
		last := over || !alive
		if last { // everything is written
			until = forever
			for _, f := range files {
				f.End()
			}
		}
		for {
			line, ok, err := merged.Next(until)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			p.print(r.spans.At(line.Time), line)
		}
		if err := p.out.Flush(); err != nil || last {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// open opens the logs that are there by now.
func (r *loggedRun) open(files map[string]*nodelogs.File, merged *nodelogs.Merger, p *logPrinter) error {
	logs, err := r.logFiles()
	if err != nil {
		return err
	}
	for _, node := range sortedNodes(logs) {
		if files[node] != nil || !p.wants(node) {
			continue
		}
		log, err := nodelogs.OpenLog(logs[node], node)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		files[node] = log
		merged.Add(log)
	}
	return nil
}
