package consensus

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// processVariable makes the test binary a node, with a processConfig.
const processVariable = "LSFR_CONSENSUS_TEST_NODE"

func TestMain(m *testing.M) {
	if text := os.Getenv(processVariable); text != "" {
		if err := runProcess(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

type processConfig struct {
	ID, Dir string
	Members []string
	Faults  Faults
}

// runProcess says where it listens, is told where the others do, and then carries out a command a line: a name for
// the answer, "put", "get" or "leader", a key and a value.
func runProcess(text string) error {
	var p processConfig
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	lines := bufio.NewScanner(os.Stdin)
	lines.Scan()
	addresses := strings.Fields(lines.Text())
	machine := newTable()
	node, err := Open(context.Background(), Config{
		ID: p.ID, Dir: p.Dir, Members: p.Members, Machine: machine, Faults: p.Faults,
		Timing: Timing{Heartbeat: 300 * time.Millisecond},
		Dial: func(ctx context.Context, peer string) (net.Conn, error) {
			var d net.Dialer
			for i, id := range p.Members {
				if id == peer {
					return d.DialContext(ctx, "tcp", addresses[i])
				}
			}
			return nil, os.ErrNotExist
		},
	})
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			node.Accept(conn)
		}
	}()
	var output sync.Mutex
	for lines.Scan() {
		go func(words []string) {
			answer := carryOut(node, machine, words)
			output.Lock()
			defer output.Unlock()
			fmt.Println(words[0], answer)
		}(strings.Fields(lines.Text()))
	}
	return node.Close()
}

func carryOut(node *Node, machine *table, words []string) string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	answer := "ok"
	switch words[1] {
	case "put":
		err = node.Propose(ctx, command(words[2], words[3]))
	case "get":
		if err = node.ReadIndex(ctx); err == nil {
			answer = machine.get(words[2])
		}
	case "leader":
		answer, _ = node.Leader()
	}
	if err != nil {
		return "error"
	}
	return answer
}

// A process is a node of its own.
type process struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	mu      sync.Mutex
	asked   int
	waiting map[string]chan string
}

func startProcesses(t *testing.T, faults Faults, ids ...string) map[string]*process {
	t.Helper()
	dir := t.TempDir()
	processes := make(map[string]*process)
	outputs := make(map[string]*bufio.Scanner)
	var addresses []string
	for _, id := range ids {
		text, err := json.Marshal(processConfig{ID: id, Dir: filepath.Join(dir, id), Members: ids, Faults: faults})
		if err != nil {
			t.Fatal(err)
		}
		p := &process{cmd: exec.Command(os.Args[0]), waiting: make(map[string]chan string)}
		p.cmd.Env = append(os.Environ(), processVariable+"="+string(text))
		p.cmd.Stderr = os.Stderr
		stdout, err := p.cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if p.stdin, err = p.cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := p.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		})
		processes[id], outputs[id] = p, bufio.NewScanner(stdout)
		outputs[id].Scan()
		addresses = append(addresses, outputs[id].Text())
	}
	for id, p := range processes {
		fmt.Fprintln(p.stdin, strings.Join(addresses, " "))
		go p.listen(outputs[id])
	}
	return processes
}

func (p *process) listen(output *bufio.Scanner) {
	for output.Scan() {
		name, answer, _ := strings.Cut(output.Text(), " ")
		p.mu.Lock()
		p.waiting[name] <- answer
		p.mu.Unlock()
	}
}

// ask returns where the answer will come.
func (p *process) ask(what string) <-chan string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	name := fmt.Sprint(p.asked)
	p.waiting[name] = make(chan string, 1)
	fmt.Fprintln(p.stdin, name, what)
	return p.waiting[name]
}

func (p *process) answer(t *testing.T, what string) string {
	t.Helper()
	select {
	case answer := <-p.ask(what):
		return answer
	case <-time.After(2 * patience):
		t.Fatalf("no answer to %q", what)
		return ""
	}
}

// A stopped process does not notice that time passes and that others elect a leader.
func TestALeaderThatWasStoppedServesNoOldValue(t *testing.T) {
	processes := startProcesses(t, Faults{}, "n1", "n2", "n3")
	write := func(value string, through ...string) (leader string) {
		t.Helper()
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			for _, id := range through {
				if processes[id].answer(t, "put a "+value) == "ok" {
					return id
				}
			}
		}
		t.Fatalf("nobody writes %s", value)
		return ""
	}
	for round := range 3 {
		first, second := fmt.Sprintf("%d-first", round), fmt.Sprintf("%d-second", round)
		leader := write(first, "n1", "n2", "n3")
		if got := processes[leader].answer(t, "get a"); got != first && got != "error" {
			t.Fatalf("the leader reads %s", got)
		}
		stop := func(s syscall.Signal) {
			if err := processes[leader].cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
		stop(syscall.SIGSTOP)
		var others []string
		for id := range processes {
			if id != leader {
				others = append(others, id)
			}
		}
		write(second, others...)
		var reads []<-chan string
		for range 50 {
			reads = append(reads, processes[leader].ask("get a"))
		}
		stop(syscall.SIGCONT)
		for _, read := range reads {
			select {
			case got := <-read:
				if got == first {
					t.Errorf("read %s after %s was written", got, second)
				}
			case <-time.After(2 * patience):
				t.Fatal("no answer")
			}
		}
	}
}
