package kvnode

import (
	"context"
	"os"
	"testing"
)

// nodeVariable makes the test binary a node: the process tests start it again with this set.
const nodeVariable = "LSFR_KVNODE_TEST_NODE"

func TestMain(m *testing.M) {
	if os.Getenv(nodeVariable) != "" {
		os.Exit(Main(context.Background(), os.Args[1:], os.Stderr))
	}
	os.Exit(m.Run())
}
