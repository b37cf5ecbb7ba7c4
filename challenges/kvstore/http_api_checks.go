package kvstore

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/st3v3nmw/lsfr/challenges"
)

func checkPutGet(ctx context.Context, e *challenges.Env) error {
	a, b := e.Key("a"), e.Key("b")
	v1, v2, v3 := e.Value(), e.Value(), e.Value()
	return challenges.Steps(
		func() error { return e.Put(ctx, a, v1) },
		func() error { return e.Get(ctx, a, v1) },
		func() error { return e.Put(ctx, b, v2) },
		func() error { return e.Get(ctx, b, v2) },
		func() error { return e.Get(ctx, a, v1) },
		func() error { return e.Put(ctx, a, v3) },
		func() error { return e.Get(ctx, a, v3) },
		func() error { return e.Get(ctx, b, v2) },
	)
}

func checkNotFound(ctx context.Context, e *challenges.Env) error {
	return e.Absent(ctx, e.Key("never-written"))
}

func checkDelete(ctx context.Context, e *challenges.Env) error {
	k, other := e.Key("k"), e.Key("other")
	v1, v2 := e.Value(), e.Value()
	return challenges.Steps(
		func() error { return e.Put(ctx, k, v1) },
		func() error { return e.Put(ctx, other, v2) },
		func() error { return e.Get(ctx, k, v1) },
		func() error { return e.Delete(ctx, k) },
		func() error { return e.Absent(ctx, k) },
		func() error { return e.Delete(ctx, k) },
		func() error { return e.Delete(ctx, e.Key("never-written")) },
		func() error { return e.Get(ctx, other, v2) },
		func() error { return e.Put(ctx, k, v2) },
		func() error { return e.Get(ctx, k, v2) },
	)
}

func checkEmptyKey(ctx context.Context, e *challenges.Env) error {
	for _, r := range []challenges.Request{
		{Method: http.MethodPut, Path: "/kv/", Body: "value"},
		{Method: http.MethodGet, Path: "/kv/"},
		{Method: http.MethodDelete, Path: "/kv/"},
	} {
		if err := e.Expect(ctx, r, http.StatusBadRequest, "key cannot be empty"); err != nil {
			return err
		}
	}
	return nil
}

func checkEmptyValue(ctx context.Context, e *challenges.Env) error {
	k, v := e.Key("k"), e.Value()
	empty := challenges.Request{Method: http.MethodPut, Path: "/kv/" + k}
	return challenges.Steps(
		func() error { return e.Expect(ctx, empty, http.StatusBadRequest, "value cannot be empty") },
		func() error { return e.Absent(ctx, k) },
		func() error { return e.Put(ctx, k, v) },
		func() error { return e.Expect(ctx, empty, http.StatusBadRequest, "value cannot be empty") },
		func() error { return e.Get(ctx, k, v) },
	)
}

func checkMethods(ctx context.Context, e *challenges.Env) error {
	k, v := e.Key("k"), e.Value()
	if err := e.Put(ctx, k, v); err != nil {
		return err
	}
	for _, r := range []challenges.Request{
		{Method: http.MethodPost, Path: "/kv/" + k, Body: "posted"},
		{Method: http.MethodPatch, Path: "/kv/" + k, Body: "patched"},
		{Method: http.MethodGet, Path: "/clear"},
		{Method: http.MethodPut, Path: "/clear", Body: "value"},
		{Method: http.MethodPost, Path: "/clear", Body: "value"},
	} {
		if err := e.Expect(ctx, r, http.StatusMethodNotAllowed, "method not allowed"); err != nil {
			return err
		}
	}
	return e.Get(ctx, k, v)
}

// byteValues break stores that trim, quote, split or escape what they keep.
func byteValues() []string {
	return []string{
		" leading and trailing spaces ",
		"a final line break\n",
		"\r\nline\rbreaks\n\nof every kind\r\n",
		`"double" and 'single' quotes`,
		`back\slash, \n is no line break, %41%00 no escape, a+b`,
		`{"json": [1, 2.0, null], "nested": {"quote": "\""}}`,
		"tab\tseparated\tand,comma;semicolon=equals|pipe",
		"<script>alert('x')</script> & ampersand",
		"0", "null", "undefined",
		"PUT k v\nDELETE k\n",
	}
}

func checkByteForByte(ctx context.Context, e *challenges.Env) error {
	values := byteValues()
	for i, v := range values {
		k := e.Key(fmt.Sprint("v", i))
		if err := challenges.Steps(
			func() error { return e.Put(ctx, k, v) },
			func() error { return e.Get(ctx, k, v) },
		); err != nil {
			return err
		}
	}
	// All of them once more: keeping one must not have damaged another.
	return getAll(ctx, e, "v", values)
}

func getAll(ctx context.Context, e *challenges.Env, name string, values []string) error {
	for i, v := range values {
		if err := e.Get(ctx, e.Key(fmt.Sprint(name, i)), v); err != nil {
			return err
		}
	}
	return nil
}

func unicodeValues() []string {
	return []string{
		"Grüße aus Köln, straße, naïve",
		"日本語 中文 한국어 العربية עברית",
		"👩‍🚀 🇰🇪 🎉 é (combining: e\u0301)",
		strings.Repeat("ü", 1000),
		"\u2028 line separator, \u00a0 no-break space, \ufeff mark",
	}
}

func checkUnicode(ctx context.Context, e *challenges.Env) error {
	for i, v := range unicodeValues() {
		k := e.Key(fmt.Sprint("u", i))
		if err := challenges.Steps(
			func() error { return e.Put(ctx, k, v) },
			func() error { return e.Get(ctx, k, v) },
		); err != nil {
			return err
		}
	}
	return nil
}

// largeValue makes a value of size bytes in which no two places look alike.
func largeValue(name string, size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%s:%d ", name, i)
	}
	return b.String()[:size]
}

func checkLargeValues(ctx context.Context, e *challenges.Env) error {
	for _, size := range []int{10_000, 100_000, 1 << 20} {
		k := e.Key(fmt.Sprint("size-", size))
		v, w := largeValue("first", size), largeValue("second", size)
		if err := challenges.Steps(
			func() error { return e.Put(ctx, k, v) },
			func() error { return e.Get(ctx, k, v) },
			func() error { return e.Put(ctx, k, w) },
			func() error { return e.Get(ctx, k, w) },
		); err != nil {
			return err
		}
	}
	return nil
}

func checkLongKeys(ctx context.Context, e *challenges.Env) error {
	stem := e.Key("")
	stem += strings.Repeat("x", 99-len(stem))
	a, b := stem+"a", stem+"b"
	v, w := e.Value(), e.Value()
	return challenges.Steps(
		func() error { return e.Put(ctx, a, v) },
		func() error { return e.Put(ctx, b, w) },
		func() error { return e.Get(ctx, a, v) },
		func() error { return e.Get(ctx, b, w) },
		func() error { return e.Delete(ctx, b) },
		func() error { return e.Get(ctx, a, v) },
	)
}

func checkKeyCharacters(ctx context.Context, e *challenges.Env) error {
	names := []string{
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789",
		"user:42:name", "snake_case", "file.tar.gz", "kebab-case", "-_.:", "Key", "key", "KEY", "clear", "kv",
	}
	values := make(map[string]string)
	for _, n := range names {
		values[n] = e.Value()
		if err := e.Put(ctx, e.Key(n), values[n]); err != nil {
			return err
		}
	}
	for _, n := range names {
		if err := e.Get(ctx, e.Key(n), values[n]); err != nil {
			return err
		}
	}
	return nil
}

// writers is how many goroutines a check writes from.
const writers = 16

// inParallel runs work for each writer at once and returns the first error.
func inParallel(n int, work func(writer int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() { errs[w] = work(w) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkConcurrentWriters(ctx context.Context, e *challenges.Env) error {
	const rounds = 12
	key := func(w, i int) string { return e.Key(fmt.Sprintf("w%d-%d", w, i)) }
	value := func(w, i int) string { return fmt.Sprintf("writer %d wrote %d", w, i) }
	shared := e.Key("shared")
	err := inParallel(writers, func(w int) error {
		for i := range rounds {
			if err := e.Put(ctx, key(w, i), value(w, i)); err != nil {
				return err
			}
			if err := e.Put(ctx, shared, value(w, i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for w := range writers {
		for i := range rounds {
			if err := e.Get(ctx, key(w, i), value(w, i)); err != nil {
				return err
			}
		}
	}
	res, err := e.Do(ctx, challenges.Request{Method: http.MethodGet, Path: "/kv/" + shared})
	if err != nil {
		return err
	}
	// The last write to the shared key is some writer's last one.
	for w := range writers {
		if string(res.Body) == value(w, rounds-1) {
			return nil
		}
	}
	_, got := challenges.Contrast("", string(res.Body))
	return &challenges.Failure{
		Rule:     challenges.ReadRule(res, ""),
		Summary:  fmt.Sprintf("after %d writers were done, GET /kv/%s answered a value that is no writer's last one", writers, shared),
		Expected: fmt.Sprintf("the last value of one of the writers, such as %q", value(0, rounds-1)),
		Actual:   fmt.Sprintf("status %d, %s", res.Status, got),
	}
}

func checkClear(ctx context.Context, e *challenges.Env) error {
	keys := []string{e.Key("a"), e.Key("b"), e.Key("c")}
	for _, k := range keys {
		if err := e.Put(ctx, k, e.Value()); err != nil {
			return err
		}
	}
	if err := e.Clear(ctx); err != nil {
		return err
	}
	for _, k := range keys {
		if err := e.Absent(ctx, k); err != nil {
			return err
		}
	}
	v := e.Value()
	return challenges.Steps(
		func() error { return e.Clear(ctx) },
		func() error { return e.Put(ctx, keys[0], v) },
		func() error { return e.Get(ctx, keys[0], v) },
	)
}
