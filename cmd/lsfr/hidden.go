package main

import (
	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/kvnode"
)

// nodeCommand runs the reference node; lsfr demo and the tests start it.
func (a *app) nodeCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "node",
		Short:              "Run the reference node",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if code := kvnode.Main(cmd.Context(), args, a.stderr); code != 0 {
				return exit{code}
			}
			return nil
		},
	}
}

// guardCommand is the process that ends the nodes of a run if lsfr is killed.
func (a *app) guardCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "guard",
		Short:  "End the nodes of a run when lsfr is gone",
		Hidden: true,
		Args:   noArgs,
		RunE: func(*cobra.Command, []string) error {
			if code := cluster.GuardMain(a.stdin); code != 0 {
				return exit{code}
			}
			return nil
		},
	}
}
