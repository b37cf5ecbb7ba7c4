// Package docs holds the documentation, so that it comes with the program.
package docs

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed *.md
var files embed.FS

// A Page is one text of the documentation.
type Page struct {
	// Name is that of the file, without its ending.
	Name, Title string
	// Text is Markdown.
	Text string
}

// Pages returns all of them, by their names. An error would be a mistake of the build.
func Pages() ([]Page, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, fmt.Errorf("read documentation: %w", err)
	}
	var pages []Page
	for _, e := range entries {
		text, err := fs.ReadFile(files, e.Name())
		if err != nil {
			return nil, fmt.Errorf("read documentation: %w", err)
		}
		title, _, _ := strings.Cut(string(text), "\n")
		pages = append(pages, Page{
			Name: strings.TrimSuffix(e.Name(), ".md"), Title: strings.TrimPrefix(title, "# "), Text: string(text),
		})
	}
	return pages, nil
}
