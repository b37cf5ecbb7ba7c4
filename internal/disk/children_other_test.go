//go:build !linux

package disk

func children() map[string]func(args []string) error { return nil }
