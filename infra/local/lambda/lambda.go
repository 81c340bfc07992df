// Package lambda plays the machine that Lambda starts a function's binary on: it starts the binary with an environment
// of its own, serves the runtime API (2018-06-01) to it, and hands it one invocation at a time.
//
// The local program runs handlers inside itself and does not need this. It is for proving the binaries: that each
// starts with what the template gives it, answers, and says why when it cannot start.
package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// Failure is what a binary has reported in place of an answer.
type Failure struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
	Init    bool   `json:"-"` // it could not even start
}

func (f *Failure) Error() string {
	if f.Init {
		return fmt.Sprintf("the function did not start: %s: %s", f.Type, f.Message)
	}
	return fmt.Sprintf("the function failed: %s: %s", f.Type, f.Message)
}

var (
	// ErrEnded is answered when the binary has ended without saying why.
	ErrEnded = errors.New("the function's process has ended")
	// ErrTimeout is answered when a function had not answered at its deadline. Lambda ends such a process; so must the caller.
	ErrTimeout = errors.New("the function timed out")
)

// Process is one binary that runs. Make it with Start, end it with Stop.
type Process struct {
	cmd      *exec.Cmd
	listener net.Listener
	server   *http.Server
	output   output
	started  time.Time

	calls  chan *call    // handed to the next poll
	polled chan struct{} // closed at the first poll
	failed chan *Failure // what was reported before it
	ended  chan struct{} // closed when the process has ended

	mu      sync.Mutex // one invocation at a time
	first   sync.Once
	startup time.Duration

	serving sync.Mutex // guards current
	current *call
}

// call is one invocation.
type call struct {
	id       string
	payload  json.RawMessage
	deadline time.Time
	answer   chan answer
}

type answer struct {
	body json.RawMessage
	err  error
}

// Start starts a binary. It sees the environment given, what Lambda itself adds, and nothing of this process.
func Start(binary string, env map[string]string) (*Process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the runtime API cannot listen: %w", err)
	}
	p := &Process{
		cmd: exec.Command(binary), listener: l, calls: make(chan *call), polled: make(chan struct{}), failed: make(chan *Failure, 1),
		ended: make(chan struct{}),
	}
	p.server = &http.Server{Handler: p.api(), ReadHeaderTimeout: time.Minute}
	p.cmd.Env = environment(env, l.Addr().String())
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.started = time.Now()
	go p.server.Serve(l)
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("the binary cannot be started: %w", err), p.server.Close())
	}
	go func() {
		_ = p.cmd.Wait() // that it has ended is all there is to know
		close(p.ended)
	}()
	return p, nil
}

// environment is what a binary sees: Lambda sets some names whatever the template says.
func environment(env map[string]string, api string) []string {
	all := map[string]string{
		"AWS_LAMBDA_RUNTIME_API": api, "AWS_LAMBDA_FUNCTION_NAME": "function", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_SESSION_TOKEN": "local",
		"_HANDLER": "bootstrap", "LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": "/usr/local/bin:/usr/bin:/bin", "LAMBDA_TASK_ROOT": "/var/task",
	}
	for k, v := range env {
		all[k] = v
	}
	var out []string
	for k, v := range all {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

// Ready waits until the binary has asked for its first invocation, and answers how long that took. A *Failure when it
// reported why it cannot start, ErrEnded with what it has written when it ended without a word.
func (p *Process) Ready(ctx context.Context) (time.Duration, error) {
	select {
	case <-p.polled:
		return p.startup, nil
	case f := <-p.failed:
		return 0, f
	case <-p.ended:
		select { // the report came before the end, whichever is seen first
		case f := <-p.failed:
			return 0, f
		default:
			return 0, fmt.Errorf("%w: %s", ErrEnded, p.Output())
		}
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Invoke hands the binary a payload and answers what it answered: a *Failure when it failed, ErrTimeout when it had not
// answered within timeout, ErrEnded when its process ended over it.
func (p *Process) Invoke(ctx context.Context, payload json.RawMessage, timeout time.Duration) (json.RawMessage, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	c := &call{id: requestID(), payload: payload, deadline: deadline, answer: make(chan answer, 1)}
	lost := func() error {
		select {
		case <-p.ended:
			return fmt.Errorf("%w: %s", ErrEnded, p.Output())
		default:
			return fmt.Errorf("%w after %s: %s", ErrTimeout, timeout, p.Output())
		}
	}
	select {
	case p.calls <- c:
	case <-p.ended:
		return nil, lost()
	case <-ctx.Done():
		return nil, lost()
	}
	select {
	case a := <-c.answer:
		return a.body, a.err
	case <-p.ended:
		select { // it answered, then ended, as after a panic
		case a := <-c.answer:
			return a.body, a.err
		default:
			return nil, lost()
		}
	case <-ctx.Done():
		return nil, lost()
	}
}

// Output answers what the binary has written so far, on either stream.
func (p *Process) Output() string { return p.output.String() }

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Stop kills the binary and waits for its end.
func (p *Process) Stop() error {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.ended
	return p.server.Close()
}

// output keeps what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write takes what the process writes.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(o.buf.String())
}
