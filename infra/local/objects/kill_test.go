//go:build unix

package objects

import (
	"bufio"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

const child = "OBJECTS_UNDER_KILL"

func TestMain(m *testing.M) {
	if file := os.Getenv(child); file != "" {
		db, err := bbolt.Open(file, 0o600, nil)
		if err != nil {
			panic(err)
		}
		s, err := Open(db, access, time.Now, bucket)
		if err != nil {
			panic(err)
		}
		fmt.Println(httptest.NewServer(s).URL)
		select {}
	}
	os.Exit(m.Run())
}

// A document that was answered for is whole after kill -9, whenever it comes.
func TestKill(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db")
	answered := map[string]string{}
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
			t.Fatal("the bucket did not start")
		}
		b := blobs(sc.Text(), access)
		kill := time.AfterFunc(time.Duration(50+30*round)*time.Millisecond, func() { cmd.Process.Kill() })
		for i := 0; ; i++ {
			key := fmt.Sprintf("%d/%d.pdf", round, i)
			body := fmt.Sprintf("%%PDF %s %0*d", key, 20_000, i)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			_, err := b.PutOnce(ctx, key, []byte(body), "application/pdf")
			cancel()
			if err != nil {
				break
			}
			answered[key] = body
		}
		kill.Stop()
		cmd.Process.Kill()
		cmd.Wait()
	}
	r := start(t, database(t, file))
	if len(answered) == 0 {
		t.Fatal("nothing was stored before the kills")
	}
	for key, body := range answered {
		if got, _, err := r.Blobs.Get(t.Context(), key, ""); err != nil || string(got) != body {
			t.Errorf("%s: %d bytes of %d, %v", key, len(got), len(body), err)
		}
	}
	t.Logf("%d documents over 5 kills", len(answered))
}
