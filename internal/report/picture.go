package report

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

const (
	// pictureTime bounds the drawing of porcupine's picture.
	pictureTime = 10 * time.Second
	// pictureSize is the largest picture that goes into a page, in bytes.
	pictureSize = 12 << 20
)

// picture is porcupine's own visualization of a key, ready for an iframe.
type picture struct {
	Key string
	// Document is the whole HTML document, as text.
	Document string
	// Problem says why there is no picture.
	Problem string
	// hashes of its scripts, as a Content-Security-Policy names them.
	hashes []string
}

var errPictureSize = errors.New("picture too large")

// drawPicture draws the key of a violation.
func drawPicture(ctx context.Context, h *history.History, v models.Violation) *picture {
	p := &picture{Key: inline(v.Key, 100)}
	bounded, cancel := context.WithTimeout(ctx, pictureTime)
	defer cancel()
	buf := &limitedBuffer{limit: pictureSize}
	err := models.Picture(bounded, buf, h, v)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		p.Problem = "it was interrupted while it was being drawn"
	case errors.Is(err, context.DeadlineExceeded):
		p.Problem = fmt.Sprintf("the search behind it was not done within %s", span(pictureTime))
	case errors.Is(err, errPictureSize):
		p.Problem = fmt.Sprintf("it has more than %s bytes", count(pictureSize))
	default:
		p.Problem = visible(shorten(err.Error(), 300))
	}
	if p.Problem != "" {
		return p
	}
	// Browsers read line ends and NUL in their own way, before they hash.
	doc := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\uFFFD").Replace(buf.String())
	p.Document, p.hashes = doc, scriptHashes(doc)
	return p
}

// scriptHashes returns the hash of each script block. Only these run: not what
// a node's answer might smuggle into the picture.
func scriptHashes(doc string) []string {
	const begin, end = "<script>", "</script>"
	var out []string
	for {
		i := strings.Index(doc, begin)
		if i < 0 {
			return out
		}
		doc = doc[i+len(begin):]
		j := strings.Index(doc, end)
		if j < 0 {
			return out
		}
		out = append(out, hash(doc[:j]))
		doc = doc[j+len(end):]
	}
}

// hash is that of a script or a style, as a Content-Security-Policy names it.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

type limitedBuffer struct {
	bytes.Buffer
	limit int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.limit {
		return 0, errPictureSize
	}
	return b.Buffer.Write(p)
}

// policy is the page's Content-Security-Policy: no network, no script but the page's own
// and the picture's, no style but the page's. The picture inherits this policy because it
// is a srcdoc document; its drawing has styles in attributes, so that with a picture
// styles anywhere are allowed. It has no access to the page, which its sandbox takes for a
// stranger.
func policy(script, style string, p *picture) template.HTML {
	scripts, styles := "'none'", hash(style)
	if script != "" {
		scripts = hash(script)
		if p != nil && len(p.hashes) > 0 {
			scripts += " " + strings.Join(p.hashes, " ")
			styles = "'unsafe-inline'"
		}
	}
	content := "default-src 'none'; style-src " + styles + "; script-src " + scripts +
		"; frame-src about:; base-uri 'none'; form-action 'none'"
	return template.HTML(`<meta http-equiv="Content-Security-Policy" content="` + content + `">`) //nolint:gosec // constants and base64
}
