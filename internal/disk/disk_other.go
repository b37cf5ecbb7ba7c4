//go:build !linux

package disk

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

func unsupported() error {
	return fmt.Errorf("%w: it needs Linux, and this is %s; run lsfr in a Linux virtual machine for it", ErrUnsupported, runtime.GOOS)
}

// Disk is a folder that lsfr serves. There is none on this system.
type Disk struct{}

// Supported returns an error that wraps ErrUnsupported.
func Supported() error { return unsupported() }

// Mount returns an error that wraps ErrUnsupported.
func Mount(context.Context, string, string, Options) (*Disk, error) { return nil, unsupported() }

// CleanStale finds nothing: no disk was ever mounted.
func CleanStale(context.Context, string) ([]string, error) { return nil, nil }

// LosePower returns an error that wraps ErrUnsupported.
func (*Disk) LosePower(context.Context, int64) (Loss, error) { return Loss{}, unsupported() }

// CutPower returns an error that wraps ErrUnsupported.
func (*Disk) CutPower(func(dead func()) error) error { return unsupported() }

// LimitSpace does nothing.
func (*Disk) LimitSpace(int64) (heal func()) { return func() {} }

// FailSync does nothing.
func (*Disk) FailSync() (heal func()) { return func() {} }

// SlowSync does nothing.
func (*Disk) SlowSync(least, most time.Duration, seed int64) (heal func()) { return func() {} }

// Stats counts nothing.
func (*Disk) Stats() Stats { return Stats{} }

// BetweenSyncs calls look.
func (*Disk) BetweenSyncs(look func()) { look() }

// AtRisk is nothing.
func (*Disk) AtRisk() Risk { return Risk{} }

// Close does nothing.
func (*Disk) Close(context.Context) error { return nil }
