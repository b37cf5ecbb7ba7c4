package netsim

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// echo is a server of raw bytes.
func echo(c net.Conn) { _, _ = io.Copy(c, c) }

func TestHTTPPasses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		major int
		set   func(*http.Protocols)
	}{
		{"HTTP/1.1", 1, func(p *http.Protocols) { p.SetHTTP1(true) }},
		{"HTTP/2 without TLS", 2, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			protocols := new(http.Protocols)
			tt.set(protocols)
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				_, _ = w.Write(body)
			})
			server := httptest.NewUnstartedServer(handler)
			server.Config.Protocols = protocols
			server.Start()
			t.Cleanup(server.Close)

			n := newNetwork(t)
			l := newLink(t, n, "n1", "n2")
			up(t, l, strings.TrimPrefix(server.URL, "http://"))
			transport := &http.Transport{Protocols: protocols}
			t.Cleanup(transport.CloseIdleConnections)
			client := &http.Client{Transport: transport, Timeout: patience}

			ask := func(size int) {
				body := bytes.Repeat([]byte("0123456789abcdef"), size/16)
				response, err := client.Post("http://"+l.Addr(), "text/plain", bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				defer response.Body.Close()
				got, err := io.ReadAll(response.Body)
				if err != nil || !bytes.Equal(got, body) || response.ProtoMajor != tt.major {
					t.Errorf("%s: %d bytes of %d, %v", response.Proto, len(got), len(body), err)
				}
			}
			ask(1 << 20)
			for _, c := range []Conditions{cut, {Delay: 2 * time.Millisecond, Jitter: time.Millisecond}, {Bandwidth: 20 << 20}} {
				f := inject(t, n, c, forth, back)
				var requests sync.WaitGroup
				for _, size := range []int{16, 16, 1 << 10, 1 << 18} {
					requests.Go(func() { ask(size) })
				}
				eventually(t, "the fault hits", func() bool { return f.Counts().Hits() > 0 })
				if c.Cut {
					f.Heal()
				}
				requests.Wait()
				f.Heal()
			}
			// What is kept alive is cut, and given up by its client.
			f := inject(t, n, cut, back)
			client.Timeout = 20 * time.Millisecond
			if _, err := client.Get("http://" + l.Addr()); err == nil {
				t.Error("an answer came through the cut")
			}
			f.Heal()
			client.Timeout = patience
			ask(16)
		})
	}
}
