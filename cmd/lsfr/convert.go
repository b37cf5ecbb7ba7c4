package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/history/formats"
)

func (a *app) convertCommand() *cobra.Command {
	var force bool
	var names []string
	for _, f := range formats.All() {
		names = append(names, fmt.Sprintf("  %-16s %s", f.Name, f.Title))
	}
	cmd := &cobra.Command{
		Use:   "convert <in> <out.json>",
		Short: "Turn a history of another tool into lsfr's JSON",
		Long: `Reads a history in any format that lsfr check reads and writes it as lsfr's JSON
(docs/foreign-histories.md). The input may be compressed with gzip or zstd; the
output is, if its name ends in .gz or .zst. - is standard input or output.

Formats:
` + strings.Join(names, "\n") + `

Exit codes: 0 converted, 2 the input cannot be read or the output exists,
4 lsfr itself failed.`,
		Example: `  lsfr convert store/latest/history.edn history.json
  cat client-*/operations.json | lsfr convert - history.json.gz
  lsfr convert --force history.txt history.json`,
		Args: argsBetween(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.convert(cmd.Context(), args[0], args[1], force)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite the output if it exists")
	return cmd
}

func (a *app) convert(ctx context.Context, in, out string, force bool) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	if err := mayWrite(out, force); err != nil {
		return err // before a long input is read
	}
	h, info, err := a.readForeign(ctx, in)
	if err != nil {
		return err
	}
	say := a.stdout
	if out == "-" {
		say = a.stderr
		err = writeHistory(ctx, a.stdout, out, h)
	} else {
		err = replaceFile(ctx, out, force, h)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(say, "%s: %s on %s, %s, from %s\n", out,
		counted(len(h.Operations), "operation"), counted(countKeys(h), "key"), counted(len(h.Faults), "fault"), source(info))
	return nil
}

func mayWrite(out string, force bool) error {
	if out == "-" {
		return nil
	}
	info, err := os.Stat(out)
	switch {
	case err == nil && info.IsDir():
		return usagef("%s is a folder; name a file in it, such as %s", out, filepath.Join(out, "history.json"))
	case err == nil && !force:
		return usagef("%s exists already; --force overwrites it", out)
	case err == nil && !info.Mode().IsRegular():
		return usagef("%s is not a regular file; - is standard output", out)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err //nolint:wrapcheck // it names the file and the reason
	}
	if _, err := os.Stat(filepath.Dir(out)); errors.Is(err, fs.ErrNotExist) {
		return usagef("%s: there is no folder %s; create it first", out, filepath.Dir(out))
	}
	return nil
}

func countKeys(h *history.History) int {
	keys := make(map[string]struct{})
	for i := range h.Operations {
		keys[h.Operations[i].Key] = struct{}{}
	}
	return len(keys)
}

func source(info formats.Info) string {
	if info.Compression != "" {
		return info.Title + " (" + info.Compression + ")"
	}
	return info.Title
}

// replaceFile writes the history beside out first, so that out is either as it
// was or complete.
func replaceFile(ctx context.Context, out string, force bool, h *history.History) (err error) {
	if real, err := filepath.EvalSymlinks(out); err == nil {
		out = real // what a link points to is replaced, not the link
	}
	f, err := os.CreateTemp(filepath.Dir(out), ".lsfr-convert-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreGone(os.Remove(f.Name())))
		}
	}()
	// Others may read it as they may read any new file, which CreateTemp denies.
	if err := errors.Join(f.Chmod(0o644), writeHistory(ctx, f, out, h)); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	if _, err := os.Lstat(out); err == nil && !force { // it appeared while the input was read
		return usagef("%s exists already; --force overwrites it", out)
	}
	if err := os.Rename(f.Name(), out); err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	return nil
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// writeHistory writes lsfr's JSON, compressed as the name says.
func writeHistory(ctx context.Context, w io.Writer, name string, h *history.History) error {
	var pack io.WriteCloser
	switch filepath.Ext(name) {
	case ".gz":
		pack = gzip.NewWriter(w)
	case ".zst":
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		pack = z
	default:
		return encode(ctx, w, h)
	}
	if err := encode(ctx, pack, h); err != nil {
		return errors.Join(err, pack.Close())
	}
	if err := pack.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// encode is history.Encode, but a history that breaks off breaks off again: its
// reader must know that operations are missing.
func encode(ctx context.Context, w io.Writer, h *history.History) error {
	out, err := history.NewWriter(w, h.Header)
	if err != nil {
		return err //nolint:wrapcheck // it says what was written
	}
	for i := range h.Operations {
		if i%1000 == 0 && ctx.Err() != nil {
			return context.Cause(ctx) //nolint:wrapcheck // it is the caller's
		}
		settled := h.Settled
		if !h.Truncated || i < len(h.Operations)-1 {
			settled = 0
		}
		if err := out.Write(&h.Operations[i], settled); err != nil {
			return err //nolint:wrapcheck // it says what was written
		}
	}
	if h.Truncated {
		return out.Flush() //nolint:wrapcheck // it says what was written
	}
	return out.Close(history.Ending{Faults: h.Faults, Leaders: h.Leaders, Shards: h.Shards}) //nolint:wrapcheck // it says what was written
}
