package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"charm.land/glamour/v2"
	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/workspace"
)

func (a *app) guideCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "guide [stage]",
		Short: "Show what to build in a stage, and how it is tested",
		Long:  "Shows the guide of the current stage, or of the one that is named. Piped, it is plain Markdown.",
		Example: `  lsfr guide
  lsfr guide crash-recovery
  lsfr guide persistence | less`,
		Args:              argsBetween(0, 1),
		ValidArgsFunction: completeStages,
		RunE: func(_ *cobra.Command, args []string) error {
			stage, err := guideStage(dir, args)
			if err != nil {
				return err
			}
			return a.printMarkdown(stage.Guide)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "the folder of your solution")
	return cmd
}

// guideStage finds the stage; one that is named needs no folder.
func guideStage(dir string, args []string) (*challenges.Stage, error) {
	if len(args) > 0 {
		for _, c := range catalog() {
			if _, s, err := c.Stage(args[0]); err == nil {
				return s, nil
			}
		}
	}
	w, c, err := loadWorkspace(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c = &catalog()[0]
		if len(args) == 0 {
			return &c.Stages[0], nil
		}
	case err != nil:
		return nil, err
	}
	name := ""
	if w != nil {
		name = w.Config.Stage
	}
	if len(args) > 0 {
		name = args[0]
	}
	_, s, err := c.Stage(name)
	return s, err
}

// loadWorkspace reads lsfr.yaml and finds its challenge and stage.
func loadWorkspace(dir string) (*workspace.Workspace, *challenges.Challenge, error) {
	w, err := workspace.Load(dir)
	if err != nil {
		return nil, nil, err
	}
	c, err := findChallenge(w.Config.Challenge)
	if err != nil {
		return nil, nil, w.Problem("challenge", err.Error())
	}
	if _, _, err := c.Stage(w.Config.Stage); err != nil {
		return nil, nil, w.Problem("stage", err.Error())
	}
	for _, s := range w.Config.Completed {
		if _, _, err := c.Stage(s); err != nil {
			return nil, nil, w.Problem("completed", err.Error())
		}
	}
	return w, c, nil
}

// printMarkdown shows a text on a terminal, and passes it on as it is to anything else.
func (a *app) printMarkdown(text string) error {
	if width, ok := terminal(a.stdout); ok && a.colours(a.stdout) {
		var err error
		if text, err = renderMarkdown(text, min(width, textWidth)); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprint(a.stdout, text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func renderMarkdown(text string, width int) (string, error) {
	styleName := "light"
	if lipgloss.HasDarkBackground(os.Stdin, os.Stdout) {
		styleName = "dark"
	}
	r, err := glamour.NewTermRenderer(glamour.WithStandardStyle(styleName), glamour.WithWordWrap(width))
	if err != nil {
		return "", fmt.Errorf("render Markdown: %w", err)
	}
	out, err := r.Render(joinItems(text))
	if err != nil {
		return "", fmt.Errorf("render Markdown: %w", err)
	}
	return out, nil
}

// joinItems puts each list item on one line: glamour would keep its line breaks.
func joinItems(markdown string) string {
	var out []string
	fenced, item := false, false
	for line := range strings.SplitSeq(markdown, "\n") {
		text := strings.TrimLeft(line, " ")
		if strings.HasPrefix(text, "```") {
			fenced = !fenced
		}
		begins := strings.HasPrefix(text, "- ") || orderedItem.MatchString(text)
		if item && !fenced && !begins && text != "" && strings.HasPrefix(line, "  ") {
			out[len(out)-1] += " " + text
			continue
		}
		item = begins && !fenced && len(line)-len(text) < 4 // further in it is code
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

var orderedItem = regexp.MustCompile(`^[0-9]+\. `)
