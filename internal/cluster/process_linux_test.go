package cluster

import "testing"

func TestAProcessNameMayHoldAnything(t *testing.T) {
	t.Parallel()
	stat := func(name, state string) string {
		return "42 (" + name + ") " + state + " 7 8 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 12345 0 0"
	}
	for _, name := range []string{"sleep", "a b", "x) S 1 1 (y", "(", ")"} {
		p, ok := parseStat(42, []byte(stat(name, "S")))
		want := process{pid: 42, ppid: 7, pgid: 8, threads: 3, start: 12345, name: name}
		if !ok || p != want {
			t.Errorf("%q: got %+v, %v", name, p, ok)
		}
	}
	if p, _ := parseStat(42, []byte(stat("z", "Z"))); !p.zombie || p.stopped {
		t.Errorf("got %+v", p)
	}
	if p, _ := parseStat(42, []byte(stat("t", "T"))); p.zombie || !p.stopped {
		t.Errorf("got %+v", p)
	}
	if p, _ := parseStat(42, []byte(stat("d", "t"))); p.zombie || p.stopped || !p.traced {
		t.Errorf("got %+v", p)
	}
	for _, broken := range []string{"", "42", "42 (x", "42 )x(", "42 (x) S 1 2", "42 (x) S a b c d e f g h i j k l m n o p q r s t u"} {
		if _, ok := parseStat(42, []byte(broken)); ok {
			t.Errorf("%q is taken for a row", broken)
		}
	}
}
