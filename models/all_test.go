package models

import (
	"context"
	"slices"
	"testing"

	"github.com/st3v3nmw/lsfr/history"
)

func TestAllModelsAreJudgedThatAreMadeForTheKinds(t *testing.T) {
	for _, tc := range []struct {
		name, h   string
		kind      history.Kind // of the last operation
		models    int
		strongest []string
	}{
		{"a linearizable register", "put x a 0 10\nget x a 20 30", history.Get, 8, []string{"linearizable"}},
		{"one that is sequential only", "put x a 0 10\nput x b 20 30\nget x a 40 50", history.Get, 8, []string{"sequential"}},
		{"a value that nobody wrote", "put x a 0 10\nput x b 20 30\nget x c 40 50", history.Get, 8, nil},
		{"an eventual one", "put x a 0 10\nput x b 20 30\nget x b 40 50\nget x a 60 70\nget x b 1000 1010", history.Get, 8, []string{"sequential", "eventual"}},
		{"a queue", "put x a 0 10\nget x a 20 30", history.Dequeue, 1, []string{"queue"}},
	} {
		h := parseFinal(t, tc.h)
		if tc.kind == history.Dequeue {
			h.Operations[0].Kind, h.Operations[1].Kind = history.Enqueue, history.Dequeue
		}
		all, err := CheckAll(context.Background(), h, Options{})
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if len(all) != tc.models || !slices.Equal(Strongest(all), tc.strongest) {
			t.Errorf("%s: %d models, strongest %q: %+v", tc.name, len(all), Strongest(all), all)
		}
	}
}
