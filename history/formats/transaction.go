package formats

// unwrapTransaction replaces a transaction of one operation, as elle's
// workloads record them ([[:append x 1]], [[:r x nil]], [[:w x 1]]), by that
// operation. It reports false for a transaction of none.
func (ev *event) unwrapTransaction() (bool, error) {
	if ev.f != "txn" && ev.f != "" {
		return true, nil
	}
	if ev.val.form != formList {
		if ev.f == "" {
			return true, nil // no transaction: the caller misses the function
		}
		return false, ev.fail("the value of a transaction is %s, want a list of operations such as [[append x 1]]", note(&ev.val))
	}
	if len(ev.val.items) == 0 {
		return false, nil
	}
	for i := range ev.val.items {
		if m := &ev.val.items[i]; m.form != formList || len(m.items) != 3 {
			return false, ev.fail("%s is no operation of a transaction, want such as [append x 1] or [r x nil]", note(m))
		}
	}
	if n := len(ev.val.items); n > 1 {
		return false, ev.fail("a transaction of %d operations: lsfr judges single operations; for transactions there is elle (github.com/jepsen-io/elle)", n)
	}
	m := ev.val.items[0].items
	f, ok := m[0].name()
	if _, known := kinds[f]; !ok || !known {
		return false, ev.fail("a transaction holds %s, want append, r or w", note(&ev.val.items[0]))
	}
	ev.f, ev.key, ev.val = f, m[1], m[2]
	ev.has |= hasKey | hasF
	return true, nil
}
