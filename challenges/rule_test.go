package challenges

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/st3v3nmw/lsfr/models"
	"github.com/st3v3nmw/lsfr/workload"
)

func TestAnAnswerIsSortedByWhatItViolates(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 200)
	for _, c := range []struct {
		name   string
		method string
		status int
		body   string
		want   int
		wanted string
		rule   Rule
	}{
		{"a value that is not there", "GET", 404, "key not found", 200, "v", RuleValueMissing},
		{"another value", "GET", 200, "w", 200, "v", RuleWrongValue},
		{"an older value that begins alike", "GET", 200, "value-1", 200, "value-12", RuleWrongValue},
		{"the beginning of a long value", "GET", 200, long[:1500], 200, long, RuleTornValue},
		{"a long value and more", "GET", 200, long + "!", 200, long, RuleWrongValue},
		{"nothing of a value", "GET", 200, "", 200, "v", RuleWrongValue},
		{"an error of the node", "GET", 500, "oh", 200, "v", RuleWrongAnswer},
		{"a node that declines to read", "GET", 503, "no leader", 200, "v", RuleUnavailable},
		{"a value that was deleted", "GET", 200, "v", 404, "key not found", RuleDeletedCameBack},
		{"nothing, with the wrong status", "GET", 200, "", 404, "key not found", RuleWrongAnswer},
		{"the error, with the wrong status", "GET", 200, "key not found\n", 404, "key not found", RuleWrongAnswer},
		{"the status, with another error", "GET", 404, "nope", 404, "key not found", RuleWrongAnswer},
		{"a write that is refused", "PUT", 409, "no", 200, "", RuleWrongAnswer},
		{"a write that finds nothing", "DELETE", 404, "key not found", 200, "", RuleWrongAnswer},
		{"a node that declines to write", "PUT", 503, "no leader", 200, "", RuleUnavailable},
		{"an empty value that is taken", "PUT", 200, "", 400, "value cannot be empty", RuleWrongAnswer},
	} {
		got := mismatchRule(Request{Method: c.method}, &workload.Response{Status: c.status, Body: []byte(c.body)}, c.want, c.wanted)
		if got != c.rule {
			t.Errorf("%s: got %q, want %q", c.name, got, c.rule)
		}
	}
}

func TestAChecksRuleHasTheWordsOfTheModels(t *testing.T) {
	t.Parallel()
	for rule, same := range map[Rule]models.Rule{
		RuleDeletedCameBack: models.RuleDeletedCameBack,
		RuleTornValue:       models.RuleTornValue,
		RuleStaleRead:       models.RuleStaleRead,
		RuleCopiesDisagree:  models.RuleCopiesDisagree,
	} {
		if string(rule) != string(same) {
			t.Errorf("%q is %q in models", rule, same)
		}
	}
	listed := make(map[Rule]bool)
	for _, r := range Rules() {
		if r == "" || listed[r] {
			t.Errorf("%q is empty or comes twice", r)
		}
		listed[r] = true
	}
}

// A failure without a rule would be one that scripts cannot tell from others.
func TestEveryFailureIsMadeWithARule(t *testing.T) {
	t.Parallel()
	var files []string
	for _, pattern := range []string{"*.go", "kvstore/*.go", "../internal/runner/checks.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			made, ok := n.(*ast.CompositeLit)
			if !ok || !isFailure(made.Type) {
				return true
			}
			seen++
			if !slices.ContainsFunc(made.Elts, func(e ast.Expr) bool {
				pair, ok := e.(*ast.KeyValueExpr)
				if !ok {
					return false
				}
				key, ok := pair.Key.(*ast.Ident)
				return ok && key.Name == "Rule"
			}) {
				t.Errorf("%s: a Failure without a Rule", set.Position(made.Pos()))
			}
			return true
		})
	}
	if seen < 10 {
		t.Errorf("found %d failures only", seen)
	}
}

func isFailure(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name == "Failure"
	case *ast.SelectorExpr:
		return x.Sel.Name == "Failure"
	}
	return false
}
