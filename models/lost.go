package models

import "github.com/st3v3nmw/lsfr/history"

// isLost reports whether a value is gone rather than only not seen, given a read that should
// have returned it or a later one, and that no later read found it.
//
// The answer of one of several nodes cannot tell: its copy may be the only one that lags
// behind. The value is lost if no other node has ever answered anything about the key, or if
// another one misses it in the same way.
func isLost(k *keyHistory, newer *cluster, missed *op) bool {
	alone := true
	for i := range k.ops {
		o := &k.ops[i]
		if o.Node == missed.Node {
			continue
		}
		alone = false
		if o.Kind == history.Get && o.Present == missed.Present && o.value == missed.value && newer.min < o.Call &&
			(o.Present || !mayBeDeleted(k, newer, o)) {
			return true
		}
	}
	return alone
}

// mayBeDeleted tells whether a delete may be why a read found nothing, and not the value that
// had been there before.
func mayBeDeleted(k *keyHistory, newer *cluster, read *op) bool {
	for i := range k.ops {
		if o := &k.ops[i]; o.Kind == history.Delete && o.Call <= read.ret && newer.min <= o.ret {
			return true
		}
	}
	return false
}
