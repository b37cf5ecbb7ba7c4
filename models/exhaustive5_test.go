//go:build exhaustive

package models

import (
	"os"
	"strconv"
	"testing"
)

// LSFR_EXHAUSTIVE=6 takes a while longer.
func TestRulesAgreeWithPorcupineOnEveryHistoryOfFiveOperations(t *testing.T) {
	n := 5
	if text := os.Getenv("LSFR_EXHAUSTIVE"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d operations: %d histories", n, exhaustively(t, n))
}
