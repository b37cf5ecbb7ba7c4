package models

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestEqualTextsGetEqualNumbersAndOthersOthers(t *testing.T) {
	for _, room := range []int{0, 1, 1000} {
		n, want := newNumbering(room), make(map[string]int32)
		r := rand.New(rand.NewPCG(1, 2))
		for range 5000 {
			text := fmt.Sprint(r.IntN(1500))
			if text == "7" {
				text = ""
			}
			number, known := want[text]
			if got, ok := n.find(text); ok != known || got != number {
				t.Fatalf("room %d: %q is found as %d, %v, want %d, %v", room, text, got, ok, number, known)
			}
			if !known {
				number = int32(len(want) + 1)
				want[text] = number
			}
			if got := n.number(text); got != number {
				t.Fatalf("room %d: %q got number %d, want %d", room, text, got, number)
			}
		}
		count := 0
		for text, number := range n.all() {
			if count++; want[text] != number {
				t.Errorf("room %d: %q is listed with %d, want %d", room, text, number, want[text])
			}
		}
		if count != len(want) {
			t.Errorf("room %d: %d are listed, want %d", room, count, len(want))
		}
	}
}
