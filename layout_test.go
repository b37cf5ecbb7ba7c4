package lsfr_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/st3v3nmw/lsfr/"

// mayImport says which packages of this module a package may import, and
// whether it may import other modules. The order is that of the design: what
// stands below never knows what stands above.
var mayImport = map[string]struct {
	own    []string
	others bool
}{
	"history":                   {nil, true}, // only what onlyIn grants it
	"history/formats":           {[]string{"history"}, true},
	"models":                    {[]string{"history"}, true},
	"workload":                  {[]string{"history"}, false},
	"internal/disk":             {nil, true},
	"internal/cluster":          {[]string{"internal/disk", "internal/netsim"}, true},
	"internal/kvnode":           {[]string{"internal/kvnode/consensus", "internal/kvnode/durable"}, true},
	"internal/kvnode/consensus": {[]string{"internal/kvnode/durable"}, true},
	"internal/kvnode/durable":   {nil, true},
	"internal/workspace":        {nil, true},
	"docs":                      {nil, false},
	"internal/watch":            {nil, true},
	"internal/nodelogs":         {[]string{"history", "internal/workspace"}, true},
	"internal/mutants":          {nil, false},
	"internal/netsim":           {nil, false},
	"internal/faults":           {[]string{"history", "internal/disk", "internal/netsim"}, true},
	"challenges":                {[]string{"history", "workload", "internal/cluster", "internal/netsim", "internal/faults"}, true},
	"challenges/kvstore":        {[]string{"history", "workload", "internal/cluster", "internal/faults", "challenges"}, true},
	"internal/report":           {[]string{"history", "models"}, true},
	"internal/simulate":         {[]string{"history"}, false},
	"internal/benchmark":        {[]string{"history", "models", "internal/simulate"}, true},
	"internal/runner": {[]string{
		"history", "models", "workload", "challenges", "internal/cluster", "internal/disk", "internal/faults", "internal/report",
	}, true},
	"internal/matrix": {[]string{
		"models", "challenges", "challenges/kvstore", "internal/cluster", "internal/kvnode", "internal/report", "internal/runner",
	}, true},
	"cmd/lsfr": {[]string{
		"history", "history/formats", "models", "challenges", "challenges/kvstore", "internal/cluster", "internal/faults", "internal/kvnode",
		"docs", "internal/disk", "internal/nodelogs", "internal/report", "internal/runner", "internal/watch", "internal/workspace",
	}, true},
}

// onlyIn names the packages that alone may import a library.
var onlyIn = map[string][]string{
	"github.com/anishathalye/porcupine": {"models", "internal/benchmark"},
	"github.com/spf13/cobra":            {"cmd/lsfr"},
	// What encoding/json/jsontext is to be; it reads history.json several times faster.
	"github.com/go-json-experiment/json/jsontext": {"history", "history/formats"},
}

// onlyThese names the packages that may import no library but those of onlyIn.
var onlyThese = []string{"history"}

func TestPackagesImportOnlyWhatTheDesignAllows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		pkg, ok := strings.CutPrefix(words[0], module)
		if !ok {
			continue // the top folder itself
		}
		rule, known := mayImport[pkg]
		if !known {
			t.Errorf("package %s has no rule here: add one", pkg)
			continue
		}
		seen++
		for _, imported := range words[1:] {
			own, isOwn := strings.CutPrefix(imported, module)
			other := !isOwn && strings.Contains(strings.Split(imported, "/")[0], ".")
			switch {
			case isOwn && !slices.Contains(rule.own, own):
				t.Errorf("%s must not import %s", pkg, own)
			case other && !rule.others:
				t.Errorf("%s must import the standard library only, not %s", pkg, imported)
			case other && slices.Contains(onlyThese, pkg) && onlyIn[imported] == nil:
				t.Errorf("%s must import the standard library and what onlyIn grants it, not %s", pkg, imported)
			case other && onlyIn[imported] != nil && !slices.Contains(onlyIn[imported], pkg):
				t.Errorf("%s must not import %s: only %s may", pkg, imported, strings.Join(onlyIn[imported], " and "))
			}
		}
	}
	if seen != len(mayImport) {
		t.Errorf("found %d packages, have rules for %d: remove rules of packages that are gone", seen, len(mayImport))
	}
}
