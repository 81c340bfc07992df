//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

const child = "LOCAL_UNDER_KILL"

func TestMain(m *testing.M) {
	if data := os.Getenv(child); data != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		args := []string{"-addr", "127.0.0.1:0", "-web", "", "-quiet", "-data", data}
		if err := local(ctx, args, os.Stdout, os.Stderr, testDeployment, testBuild); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func spawn(t *testing.T, data string) (*exec.Cmd, client) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), child+"="+data)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	sc := bufio.NewScanner(out)
	if !sc.Scan() {
		t.Fatal("the program did not start")
	}
	base, ok := strings.CutPrefix(sc.Text(), "ready ")
	if !ok {
		t.Fatalf("it printed %q", sc.Text())
	}
	c := client{TB: t, base: base}
	c.token = c.signIn("owner")
	return cmd, c
}

// What was answered with 201 is there after kill -9, and so are in the end its letter and its document, once.
func TestKill(t *testing.T) {
	data := t.TempDir()
	var kept []string
	for round := range 4 {
		cmd, c := spawn(t, data)
		kill := time.AfterFunc(time.Duration(60+60*round)*time.Millisecond, func() { cmd.Process.Kill() })
		for i := 0; ; i++ {
			id := fmt.Sprintf("r%dn%d", round, i)
			status, _, err := c.try("POST", "/v1/notes", `{"id":"`+id+`","reader":"a@example.com"}`)
			if err != nil {
				break
			}
			if status == 201 {
				kept = append(kept, id)
			}
		}
		kill.Stop()
		cmd.Wait()
	}
	cmd, c := spawn(t, data)
	if len(kept) == 0 {
		t.Fatal("nothing was answered before the kills")
	}
	for _, id := range kept {
		if status, body := c.do("GET", "/v1/notes/"+id, ""); status != 200 {
			t.Errorf("%s was acknowledged and is gone: %d %s", id, status, body)
		}
	}
	eventually(t, "every letter is out", func() bool {
		sent := map[string]bool{}
		for _, m := range c.mails() {
			sent[strings.TrimPrefix(m.Subject, "Note ")] = true
		}
		for _, id := range kept {
			if !sent[id] {
				return false
			}
		}
		return true
	})
	t.Logf("%d notes over 4 kills", len(kept))

	// SIGTERM ends it cleanly, and another may have the folder at once.
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("SIGTERM ended it with %v", err)
	}
	again, _ := spawn(t, data)
	second := exec.Command(os.Args[0])
	second.Env = append(os.Environ(), child+"="+data)
	said, err := second.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || strings.Count(string(said), "\n") != 1 || !strings.Contains(string(said), "another program uses the data folder") {
		t.Errorf("a second program on the folder: %v, said %q", err, said)
	}
	again.Process.Kill()
	again.Wait()
}

// A planned crash is a real one: the process is gone, and what it had committed is there.
func TestPlannedCrash(t *testing.T) {
	data := t.TempDir()
	for kind, want := range map[string]int{"crash_before": 404, "crash_after": 200} {
		cmd, c := spawn(t, data)
		eventually(t, "the demo's own writes are over", func() bool { return len(c.items("MAIL#seeded")) == 2 })
		if status, body := c.do("POST", "/_local/fault", `{"point":"store.write","kind":"`+kind+`"}`); status != 201 {
			t.Fatalf("%d %s", status, body)
		}
		if status, _, err := c.try("POST", "/v1/notes", `{"id":"`+kind+`","reader":"a@example.com"}`); err == nil {
			t.Errorf("%s: answered %d", kind, status)
		}
		err := cmd.Wait()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Errorf("%s: ended with %v", kind, err)
		}
		again, c := spawn(t, data)
		if status, _ := c.do("GET", "/v1/notes/"+kind, ""); status != want {
			t.Errorf("after %s: %d, want %d", kind, status, want)
		}
		again.Process.Kill()
		again.Wait()
	}
}
