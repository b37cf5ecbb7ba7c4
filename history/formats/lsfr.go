package formats

import (
	"regexp"

	"github.com/st3v3nmw/lsfr/history"
)

var lsfrSign = regexp.MustCompile(`"format"\s*:\s*"lsfr-history"`)

// lsfrFormat is lsfr's own (docs/history-format.md).
func lsfrFormat() Format {
	return Format{
		Name: "lsfr", Title: "lsfr's history.json",
		detect: func(head []byte) bool { return firstByte(head) == '{' && lsfrSign.Match(head) },
		read: func(in *input) (*history.History, []string, error) {
			h, err := history.Decode(in)
			return h, nil, err //nolint:wrapcheck // it says all there is to say
		},
	}
}
