package faults

import (
	"testing"

	"github.com/st3v3nmw/lsfr/internal/disk"
)

func TestALossNamesTheFilesThatWereNotDurable(t *testing.T) {
	t.Parallel()
	file := func(path string, writes int, bytes, kept int64) disk.FileLoss {
		return disk.FileLoss{Path: path, Kind: disk.KeptPrefix, Writes: writes, Bytes: bytes, Kept: kept}
	}
	gone := file("tmp", 1, 10, 10)
	gone.Gone = true
	for _, tt := range []struct {
		name string
		by   map[string]disk.Loss
		want string
	}{
		{"nothing at risk", map[string]disk.Loss{"n1": {}, "n2": {}}, "everything was durable"},
		{
			"one file of which nothing is left",
			map[string]disk.Loss{"n1": {Writes: 3, Files: []disk.FileLoss{file("log", 3, 20_000, 0)}}},
			"not durable: 3 writes to log (nothing kept)",
		},
		{
			"the largest files come first, and not all are told",
			map[string]disk.Loss{"n1": {Writes: 9, Files: []disk.FileLoss{file("a", 1, 1, 1), file("b", 1, 2, 1), file("c", 4, 40_000, 12_345), gone, file("e", 2, 0, 0)}}},
			"not durable: 4 writes to c (12 kB of 40 kB kept), 1 write to tmp (the file is gone), 1 write to b (1 byte of 2 bytes kept), 2 more files",
		},
		{
			"names that are lost",
			map[string]disk.Loss{"n1": {Names: 5, NamesLost: 4, Lost: []string{"create a", "rename a to b", "remove c", "create d"}}},
			"not durable: 5 names, of which 4 lost (create a, rename a to b, remove c, …)",
		},
		{
			"several nodes, briefly",
			map[string]disk.Loss{
				"n3": {Writes: 2, Files: []disk.FileLoss{file("log", 2, 90, 90)}},
				"n2": {},
				"n1": {Writes: 2, Files: []disk.FileLoss{file("log", 1, 90, 0), file("vote", 1, 1, 0)}, Names: 2, NamesLost: 2, Lost: []string{"create x", "create y"}},
			},
			"not durable: n1: 1 write to log (nothing kept), 1 more file, 2 names, of which 2 lost (create x, …); n3: 2 writes to log (all kept)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := losses{by: tt.by}
			if got := l.detail(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
