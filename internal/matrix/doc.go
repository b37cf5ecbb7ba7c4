// Command matrix measures how well lsfr judges: it runs every bug of the reference
// node, and correct stores, through the stages many times, and writes down how often
// lsfr was right, how soon, and what it said.
//
//	go run ./internal/matrix -runs 5 -write docs/detection.md
package main
