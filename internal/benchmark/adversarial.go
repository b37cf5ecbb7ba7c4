package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/st3v3nmw/lsfr/internal/simulate"
	"github.com/st3v3nmw/lsfr/models"
)

// printAdversarial measures lsfr on histories made to be hard. Those in which
// values repeat are beyond its rules: there it has to search.
func printAdversarial(ctx context.Context, p plan, stdout, stderr io.Writer) error {
	var jobs []job
	add := func(v variant, cfg simulate.Config) {
		cfg.Seed = 1
		jobs = append(jobs, job{Engine: engineLsfr, Config: cfg, Variant: v, Bounds: p.bounds})
	}
	for _, n := range p.adversarial {
		add(concurrent, simulate.Config{Operations: n, Keys: 1, Clients: 20})
		add(asGenerated, simulate.Config{Operations: n, Keys: 1, Clients: 50, Puts: 0.2, Deletes: 0.4, Unknown: 0.1})
		add(asGenerated, simulate.Config{Operations: n, Keys: 1, Clients: 1000})
	}
	for _, clients := range []int{5, 20} {
		for _, keys := range []int{1, 10} {
			for _, n := range p.repeated {
				add(repeated, simulate.Config{Operations: n, Keys: keys, Clients: clients})
			}
		}
	}
	fmt.Fprintln(stdout, `| operations | keys | history | verdict | decided by | time | memory |
| ---: | ---: | --- | --- | --- | ---: | ---: |`)
	var errs []error
	for i, j := range jobs {
		o, err := inChild(ctx, j)
		if ctx.Err() != nil {
			break
		}
		c := cell{outcome: o, bounds: p.bounds}
		// A search may end in unknown; it must not accuse.
		if err == nil && o.Exceeded == none && o.Status == models.Invalid.String() {
			err = fmt.Errorf("it calls the history %s", o.Status)
		}
		if err != nil {
			c.failed = true
			errs = append(errs, fmt.Errorf("%+v: %w", j.Config, err))
		}
		fmt.Fprintf(stdout, "| %s | %d | %s | %s | %s | %s | %s |\n",
			thousands(j.Config.Operations), j.Config.Keys, describe(j), o.Status, o.By, c.time(), c.memory())
		fmt.Fprintf(stderr, "%d of %d adversarial histories\n", i+1, len(jobs))
	}
	return errors.Join(errs...)
}

func describe(j job) string {
	if j.Variant == concurrent {
		return string(j.Variant) // whoever issued them
	}
	text := fmt.Sprintf("%d clients", j.Config.Clients)
	if j.Config.Unknown > 0 {
		text += ", " + percent(j.Config.Unknown) + " unknown"
	}
	if j.Config.Deletes > 0 {
		text += ", " + percent(j.Config.Deletes) + " deletes"
	}
	if j.Variant != asGenerated {
		text += ", " + string(j.Variant)
	}
	return text
}
