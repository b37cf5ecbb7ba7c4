package consensus

import (
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// logInterval is the least time between two lines that say the same of something else: a peer that is gone
// would be worth several lines a second.
const logInterval = 5 * time.Second

// newLogger passes on the library's warnings and errors until the node closes: after that all of them say so.
func newLogger(logf func(string, ...any), closing <-chan struct{}) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Level:       hclog.Warn,
		Output:      &logLines{logf: logf, closing: closing, last: make(map[string]time.Time)},
		DisableTime: true,
	})
}

// logLines gets a line with each Write.
type logLines struct {
	logf    func(string, ...any)
	closing <-chan struct{}
	mu      sync.Mutex
	last    map[string]time.Time // by what the line says, without its values
}

func (l *logLines) Write(line []byte) (int, error) {
	select {
	case <-l.closing:
		return len(line), nil
	default:
	}
	text := strings.TrimSpace(string(line))
	what, _, _ := strings.Cut(text, "=")
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.last[what]) >= logInterval {
		l.last[what] = now
		l.logf("consensus: %s", text)
	}
	return len(line), nil
}
