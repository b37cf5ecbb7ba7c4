package disk

import (
	"fmt"
	"os"
	"testing"
)

// childRole tells the test binary to be something else than a test: a process that works
// on a disk, or one that serves it.
const childRole = "LSFR_DISK_TEST_CHILD"

func TestMain(m *testing.M) {
	role := os.Getenv(childRole)
	if role == "" {
		os.Exit(m.Run())
	}
	child, ok := children()[role]
	if !ok {
		fmt.Fprintln(os.Stderr, "no such child:", role)
		os.Exit(2)
	}
	if err := child(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
