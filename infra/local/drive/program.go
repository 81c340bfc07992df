// Package drive runs the local program from outside, as a person at a terminal and a client on the network do: it
// builds it, starts it in a process of its own, kills it, and speaks to its API. It knows nothing of what is inside,
// so that what is found out with it is true of the product and not of a test's own shortcuts.
package drive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Root is the repository that the working directory lies in.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("there is no go.mod here or above; start this inside the repository")
		}
		dir = up
	}
}

// Build compiles the local program into dir and answers the binary's path.
func Build(ctx context.Context, dir string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	if err := look(root); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "onebook-local")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./infra/local")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the local program does not compile: %w\n%s", err, out)
	}
	return binary, nil
}

// look reads the folders that the program is compiled from. The compiler runs in a process of its own, so this is how go
// test learns on what a test's result depends; else it would answer that of an earlier program from its cache.
func look(root string) error {
	for _, top := range []string{"infra", "internal", "template.yaml", "go.mod"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			return err
		}
	}
	return nil
}

// Program is a local program. Set the exported fields, then Start; after Kill or Stop it may be started again.
type Program struct {
	Binary string
	Data   string    // its folder
	Addr   string    // empty: a free port, which later starts keep
	Log    io.Writer // what it says on standard error; nil drops it
	Base   string    // where it serves, known once it is started

	cmd   *exec.Cmd
	ready chan string   // the address, once
	done  chan struct{} // closed when the process is gone
	err   error         // how it ended; read after done
}

// readyWithin is how long a start may take; a busy machine is slow, a hanging program never gets there.
const readyWithin = time.Minute

// Start starts the program bare, without app and demo organisation, and returns when it serves. args are further options.
func (p *Program) Start(ctx context.Context, args ...string) error {
	if err := p.Launch(args...); err != nil {
		return err
	}
	return p.Ready(ctx)
}

// Launch starts the process and does not wait until it serves.
func (p *Program) Launch(args ...string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	if p.Addr == "" {
		p.Addr = "127.0.0.1:0"
	}
	p.cmd = exec.Command(p.Binary, append([]string{"-addr", p.Addr, "-data", p.Data, "-web", "", "-quiet"}, args...)...)
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = root, append(os.Environ(), "DEMO=none"), p.Log
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	p.cmd.Stdout = w
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return fmt.Errorf("the local program cannot be started: %w", err)
	}
	done := make(chan struct{})
	p.done, p.err, p.Base = done, nil, ""
	cmd := p.cmd
	go func() {
		defer close(done)
		defer r.Close()
		p.err = cmd.Wait()
	}()
	p.ready = make(chan string, 1)
	go func(out chan<- string) {
		defer close(out)
		sc := bufio.NewScanner(r)
		for sc.Scan() {
			if base, ok := strings.CutPrefix(sc.Text(), "ready "); ok {
				out <- base
				return
			}
		}
	}(p.ready)
	return nil
}

// Ready returns when the program that was launched serves, and an error when it ended before.
func (p *Program) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	select {
	case base, ok := <-p.ready:
		if !ok {
			<-p.done
			return fmt.Errorf("the local program ended before it served: %v", p.err)
		}
		p.Base, p.Addr = base, strings.TrimPrefix(base, "http://")
		return nil
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("the local program does not serve: %w", ctx.Err())
	}
}

// Ended is closed when the process is gone.
func (p *Program) Ended() <-chan struct{} { return p.done }

// Kill ends the program with SIGKILL and returns when it is gone. It may be called when it is gone already.
func (p *Program) Kill() {
	if p.cmd == nil {
		return
	}
	p.cmd.Process.Kill()
	<-p.done
}

// Stop ends the program with SIGTERM and returns when it is gone; an error when it did not end cleanly.
func (p *Program) Stop() error {
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return p.err
}
