package faults

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/st3v3nmw/lsfr/internal/disk"
)

const (
	// muchAtRisk is how many bytes make a loss worth waiting for: a large value, of which
	// some pages may survive and others not. It is waited for muchTime, and then for
	// anything at all for anyTime.
	muchAtRisk = 64 << 10
	muchTime   = 200 * time.Millisecond
	anyTime    = 100 * time.Millisecond
	riskPoll   = 2 * time.Millisecond
	// One of ofNames losses waits for names, which are seldom at risk, instead of bytes.
	ofNames = 4
	// lingerTime is how long bytes stay at risk at most before power goes, so that somebody
	// may have read them, or was told that they are safe.
	lingerTime = 40 * time.Millisecond
)

// awaitRisk waits for a moment at which something is not durable: most of the time
// nothing is on a disk that is synced for every write.
func awaitRisk(ctx context.Context, disks []Disk, random *rand.Rand) {
	names := random.IntN(ofNames) == 0
	linger := time.Duration(random.Int64N(int64(lingerTime)))
	began := time.Now()
	for time.Since(began) < muchTime+anyTime {
		risk := atRisk(disks)
		late := time.Since(began) >= muchTime
		if risk.Names > 0 && (names || late) {
			return
		}
		if !names && risk.Bytes >= muchAtRisk || late && risk.Bytes > 0 {
			if sleep(ctx, linger) != nil || atRisk(disks).Bytes > 0 {
				return
			}
		}
		if sleep(ctx, riskPoll) != nil {
			return
		}
	}
}

// atRisk is what the disks would lose together.
func atRisk(disks []Disk) (sum disk.Risk) {
	for _, d := range disks {
		r := d.AtRisk()
		sum.Bytes += r.Bytes
		sum.Names += r.Names
	}
	return sum
}

// PowerLoss kills nodes, all targets at once, and takes from their disks what they had
// not made durable: all of it, or less, as the seed decides. It comes when there is something to lose, if
// that takes no longer than some 300 ms. Healing restarts them. It
// hits the writes in flight, and what is not durable.
func PowerLoss() Fault {
	return Fault{
		Name:     "power-loss",
		Title:    "power goes: a node dies, and what it has not synced is gone or torn; then a restart",
		MinNodes: 1,
		Inject: func(ctx context.Context, env *Env, s Step, targets []Node) (Injection, error) {
			disks, err := env.disks(targets)
			if err != nil {
				return Injection{}, err
			}
			random := s.random()
			awaitRisk(ctx, disks, random)
			seeds := make(map[string]int64)
			of := make(map[string]Disk)
			for i, n := range targets {
				seeds[n.ID()], of[n.ID()] = random.Int64(), disks[i]
			}
			var lost losses
			i, err := process(ctx, env, targets, func(ctx context.Context, n Node) error {
				loss, err := of[n.ID()].LosePower(ctx, seeds[n.ID()])
				lost.add(n.ID(), loss)
				return err
			}, start)
			i.Detail = lost.detail
			return i, err
		},
		describe: func(_ Step, who string) string { return "power of " + who + " goes" },
	}
}
