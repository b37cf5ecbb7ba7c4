package models

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

func TestAPictureShowsValuesAsTextOnly(t *testing.T) {
	const evil = `<script>alert("x")</script>&amp;`
	h := parse(t, `
		put x a 0 10
		put x b 20 30
		get x a 40 50`)
	for i := range h.Operations {
		if h.Operations[i].Value == "a" {
			h.Operations[i].Value = evil
		}
		h.Operations[i].Node = "<b>n1</b>"
	}
	h.Faults = []history.FaultEvent{{Fault: "<i>kill</i>", Targets: []string{"<u>"}, Start: 0, End: 20 * time.Millisecond}}
	v, err := Check(context.Background(), h, Options{})
	if err != nil || v.Status != Invalid {
		t.Fatalf("%+v, %v", v, err)
	}
	var b strings.Builder
	if err := Picture(context.Background(), &b, h, v.Violations[0]); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if !strings.Contains(page, "‹script›") {
		t.Error("the value is not shown")
	}
	for _, bad := range []string{"<script>alert", `\u003cscript`, "<b>n1", `\u003cb`, `\u003ci`, `\u003cu`, "&amp;amp", `\u0026amp`} {
		if strings.Contains(page, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
}

func TestAPictureOfALongHistoryIsCutAroundTheViolation(t *testing.T) {
	var b strings.Builder
	for i := range 2 * pictured {
		fmt.Fprintf(&b, "put x v%d %d %d\n", i, i*10, i*10+5)
	}
	b.WriteString("get x v3 99990 99999\n")
	h := parse(t, b.String())
	v, err := Check(context.Background(), h, Options{})
	if err != nil || v.Status != Invalid {
		t.Fatalf("%+v, %v", v, err)
	}
	var page strings.Builder
	if err := Picture(context.Background(), &page, h, v.Violations[0]); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "get → v3") || !strings.Contains(page.String(), "put v3") {
		t.Error("the operations that prove the violation are not on the picture")
	}
	if strings.Contains(page.String(), "put v10\"") {
		t.Error("the picture was not cut")
	}
}

func TestAPictureObeysItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h := parse(t, "put x a 0 10\nget x z 20 30")
	err := Picture(ctx, &strings.Builder{}, h, Violation{Key: "x", Operations: h.Operations})
	if err == nil {
		t.Fatal("want an error")
	}
}
