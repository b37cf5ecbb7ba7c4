package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/challenges/kvstore"
)

// app is what all commands share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	verbose        bool
}

// catalog lists the challenges; a new one is one line here.
func catalog() []challenges.Challenge {
	return []challenges.Challenge{
		kvstore.Challenge(),
	}
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "lsfr",
		Short: "Learn distributed systems by building one",
		Long: `lsfr judges a distributed system that you build, in any language, stage by stage.
It starts your program, lets concurrent clients and faults loose on it, records
every operation, and checks the history against a consistency model.`,
		Example: `  lsfr new kv-store        start the challenge in ./kv-store
  lsfr guide               what to build now
  lsfr test                judge the current stage
  lsfr report              see what happened
  lsfr next                go on to the next stage
  lsfr docs                how it works, and what to do about trouble
  lsfr demo                watch a broken store being found out`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "log what lsfr does to standard error")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%s\n      see: %s --help", flagProblem(err), cmd.CommandPath())
	})
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(a.helpCommand())
	// One line per command.
	root.AddCommand(
		a.listCommand(),
		a.newCommand(),
		a.guideCommand(),
		a.testCommand(),
		a.reportCommand(),
		a.logsCommand(),
		a.replayCommand(),
		a.nextCommand(),
		a.statusCommand(),
		a.checkCommand(),
		a.convertCommand(),
		a.docsCommand(),
		a.demoCommand(),
		a.completionCommand(),
		a.nodeCommand(),
		a.guardCommand(),
	)
	return root
}

// flagProblem says what is wrong with a flag, in the user's terms.
func flagProblem(err error) string {
	bad, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err.Error()
	}
	want := map[string]string{"int": "a whole number", "int64": "a whole number", "duration": "a duration such as 30s or 2m", "bool": "true or false"}
	kind := bad.GetFlag().Value.Type()
	if want[kind] == "" { // a type of our own, with an error of its own
		return fmt.Sprintf("--%s: %v", bad.GetFlag().Name, bad.Unwrap())
	}
	return fmt.Sprintf("--%s %s: want %s", bad.GetFlag().Name, bad.GetValue(), want[kind])
}

// noArgs and its siblings give usage errors, which cobra's own validators do not.
func noArgs(cmd *cobra.Command, args []string) error { return argsBetween(0, 0)(cmd, args) }

func argsBetween(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) > 0 && !cmd.HasParent():
			return unknownCommand(cmd, args[0])
		case len(args) > most:
			return usagef("%s: unexpected argument %q\n      usage: %s", cmd.CommandPath(), args[most], cmd.UseLine())
		case len(args) < least:
			return usagef("%s: an argument is missing\n      usage: %s", cmd.CommandPath(), cmd.UseLine())
		}
		return nil
	}
}

// unknownCommand names the command that was perhaps meant.
func unknownCommand(root *cobra.Command, name string) error {
	root.SuggestionsMinimumDistance = 2
	if meant := root.SuggestionsFor(name); len(meant) > 0 {
		return usagef("unknown command %q: did you mean %s?\n      see: lsfr --help", name, strings.Join(meant, " or "))
	}
	return usagef("unknown command %q\n      see: lsfr --help", name)
}

// log writes to standard error: warnings, or everything with --verbose.
func (a *app) log() zerolog.Logger {
	level := zerolog.WarnLevel
	if a.verbose {
		level = zerolog.DebugLevel
	}
	w := zerolog.ConsoleWriter{Out: a.stderr, NoColor: !a.colours(a.stderr), TimeFormat: "15:04:05"}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// interruptible returns a context that Ctrl-C, SIGTERM or a closed terminal
// cancels. After the first signal the next one ends lsfr at once; the guard
// process then ends the nodes.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// findChallenge returns the challenge of that name.
func findChallenge(name string) (*challenges.Challenge, error) {
	var names []string
	for _, c := range catalog() {
		if c.Name == name {
			return &c, nil
		}
		names = append(names, c.Name)
	}
	return nil, usagef("unknown challenge %q (want %s)\n      see: lsfr list", name, names[0])
}

// completeStages and completeChallenges serve shell completion.
func completeStages(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, c := range catalog() {
		for _, s := range c.Stages {
			out = append(out, fmt.Sprintf("%s\t%s", s.Name, s.Summary))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func completeChallenges(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	var out []string
	for _, c := range catalog() {
		out = append(out, c.Name+"\t"+c.Title)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
