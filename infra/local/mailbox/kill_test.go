//go:build unix

package mailbox

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

const child = "MAILBOX_UNDER_KILL"

func TestMain(m *testing.M) {
	if file := os.Getenv(child); file != "" {
		db, err := bbolt.Open(file, 0o600, nil)
		if err != nil {
			panic(err)
		}
		box, err := Open(db, time.Now)
		if err != nil {
			panic(err)
		}
		mux := http.NewServeMux()
		mux.Handle("/v2/", box.Service())
		fmt.Println(httptest.NewServer(mux).URL)
		select {}
	}
	os.Exit(m.Run())
}

// A letter that was acknowledged is there after kill -9, whenever it comes.
func TestKill(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db")
	acknowledged := map[string]bool{}
	for round := range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), child+"="+file)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(out)
		if !sc.Scan() {
			t.Fatal("the mailbox did not start")
		}
		kill := time.AfterFunc(time.Duration(40+30*round)*time.Millisecond, func() { cmd.Process.Kill() })
		m := mailer(sc.Text())
		for i := 0; ; i++ {
			id, err := m.Send(t.Context(), letter("a@example.com", fmt.Sprintf("%d/%d", round, i)))
			if err != nil {
				break
			}
			acknowledged[id] = true
		}
		kill.Stop()
		cmd.Wait()
	}
	box := open(t, file)
	if len(acknowledged) == 0 {
		t.Fatal("nothing was sent before the kills")
	}
	for id := range acknowledged {
		if _, _, err := box.Find(id); err != nil {
			t.Errorf("%s was acknowledged and is gone: %v", id, err)
		}
	}
	t.Logf("%d letters over 5 kills", len(acknowledged))
}
