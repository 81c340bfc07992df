package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

var now = (&storetest.Clock{}).Now

func thing(pk, sk, body string) store.Item {
	return store.Item{Key: store.Key{PK: pk, SK: sk}, Kind: "thing", Body: []byte(body)}
}

func opened(t testing.TB, path string) *store.Embedded {
	t.Helper()
	e, err := store.OpenEmbedded(path, now)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The record survives a restart: items, versions, indexes, the stream and its numbers.
func TestRestart(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "record.db")
	e := opened(t, path)
	it := thing("P", "S", `{"n":1}`)
	it.Due = store.Key{PK: "D", SK: "1"}
	if err := e.Write(ctx, store.Put(it)); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Error("closing twice:", err)
	}
	if err := e.Write(ctx, store.Put(thing("P", "T", `{}`))); !errors.Is(err, store.ErrClosed) {
		t.Error("a write to a closed record answered", err)
	}
	if _, err := e.Get(ctx, it.Key); !errors.Is(err, store.ErrClosed) {
		t.Error("a read of a closed record answered", err)
	}

	e = opened(t, path)
	defer e.Close()
	it.Version, it.Body = 1, []byte(`{"n":2}`)
	if err := e.Write(ctx, store.Put(it), store.Put(thing("A", "1", `{}`))); err != nil {
		t.Fatal(err)
	}
	p, err := e.List(ctx, store.Query{Index: store.Due, Partition: "D"})
	if err != nil || len(p.Items) != 1 {
		t.Fatal(p, err)
	}
	cs, err := e.Changes(ctx, 0, 10)
	if err != nil || len(cs) != 3 || cs[0].Seq != 1 || cs[1].Seq != 2 || cs[1].Old.Version != 1 || string(cs[1].New.Body) != `{"n":2}` {
		t.Fatalf("%+v %v", cs, err)
	}
}

// Whoever starts the program twice, or points it at the wrong file, is told so at once.
func TestCannotOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "record.db")
	e := opened(t, path)
	defer e.Close()
	other := filepath.Join(dir, "letter.txt")
	if err := os.WriteFile(other, []byte(strings.Repeat("Dear Sir or Madam, ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		path:                            "is in use by another running program",
		other:                           "is not a record of this program",
		filepath.Join(dir, "no", "way"): "cannot be opened",
		dir:                             "cannot be opened",
	} {
		begun := time.Now()
		e, err := store.OpenEmbedded(path, now)
		if err == nil {
			e.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want it to say %q", path, err, want)
		}
		if d := time.Since(begun); d > time.Second {
			t.Errorf("%s: told only after %s", path, d)
		}
	}
}

// A reader follows the stream: it is woken by a change, and what it has trimmed does not come back.
func TestFollow(t *testing.T) {
	ctx := context.Background()
	e := storetest.Embedded(t, now)
	woken := e.Changed()
	if err := e.Write(ctx, store.Put(thing("P", "a", `{}`)), store.Put(thing("P", "b", `{}`))); err != nil {
		t.Fatal(err)
	}
	<-woken
	woken = e.Changed()
	if err := e.Write(ctx, store.Put(thing("P", "a", `{}`))); !errors.Is(err, store.ErrConflict) {
		t.Fatal(err)
	}
	select {
	case <-woken:
		t.Error("woken by a write that changed nothing")
	default:
	}
	cs, err := e.Changes(ctx, 0, 1)
	if err != nil || len(cs) != 1 || cs[0].New.SK != "a" || !cs[0].At.Equal(now()) {
		t.Fatalf("%+v %v", cs, err)
	}
	if err := e.TrimChanges(ctx, 2); err != nil {
		t.Fatal(err)
	}
	if cs, err = e.Changes(ctx, 0, 10); err != nil || len(cs) != 1 || cs[0].Seq != 2 {
		t.Fatalf("after trimming: %+v %v", cs, err)
	}
	if err := e.TrimChanges(ctx, 100); err != nil {
		t.Fatal(err)
	}
	if err := e.Write(ctx, store.Put(thing("P", "c", `{}`))); err != nil {
		t.Fatal(err)
	}
	if cs, err = e.Changes(ctx, 0, 10); err != nil || len(cs) != 1 || cs[0].Seq != 3 {
		t.Fatalf("numbers go on: %+v %v", cs, err)
	}
}

// Writes that share an fsync do not share their fate.
func TestGroupsDoNotShareFate(t *testing.T) {
	ctx := context.Background()
	e := storetest.Embedded(t, now)
	if err := e.Write(ctx, store.Put(thing("TAKEN", "x", `{}`))); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			ops := []store.Op{store.Put(thing("P", fmt.Sprintf("%03d", i), `{}`))}
			if i%2 == 1 {
				ops = append(ops, store.Put(thing("TAKEN", "x", `{}`)))
			}
			err := e.Write(ctx, ops...)
			if refused := errors.Is(err, store.ErrConflict); refused != (i%2 == 1) || (err != nil && !refused) {
				t.Errorf("write %d answered %v", i, err)
			}
		})
	}
	all.Wait()
	p, err := e.List(ctx, store.Query{Partition: "P"})
	if err != nil || len(p.Items) != 100 {
		t.Errorf("%d items, %v", len(p.Items), err)
	}
}

const victimEnv = "ONEBOOK_STORE_VICTIM"

// TestMain lets the kill test run this binary as the process that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		victim(path)
		return
	}
	os.Exit(m.Run())
}

// victim writes from many goroutines, and says each pair of items that was acknowledged.
func victim(path string) {
	e, err := store.OpenEmbedded(path, now)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	run := fmt.Sprint(os.Getpid())
	out := make(chan string)
	for w := range 16 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%s-%d-%d", run, w, i)
				err := e.Write(context.Background(), store.Put(thing("P", id, `{}`)), store.Put(thing("Q", id, `{"half":2}`)))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				out <- id
			}
		}()
	}
	for id := range out {
		fmt.Println(id)
	}
}

// After kill -9 nothing that was acknowledged is missing, and nothing is there by half.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.db")
	acknowledged := map[string]bool{}
	for range 10 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victimEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			acknowledged[lines.Text()] = true
			if n == 300 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("it was not killed")
		}
	}
	e := opened(t, path)
	defer e.Close()
	found := map[string]int{}
	for _, part := range []string{"P", "Q"} {
		q := store.Query{Partition: part}
		for {
			p, err := e.List(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range p.Items {
				found[it.SK]++
			}
			if q.Cursor = p.Cursor; q.Cursor == "" {
				break
			}
		}
	}
	for id := range acknowledged {
		if found[id] == 0 {
			t.Errorf("%s was acknowledged and is not there", id)
		}
	}
	for id, n := range found {
		if n != 2 {
			t.Errorf("%s is there by half", id)
		}
	}
	if len(acknowledged) < 3000 {
		t.Errorf("only %d writes were acknowledged", len(acknowledged))
	}
}

// What one process does with fsync on: 4 in 10 requests write three items of 1 KB, the others read.
func BenchmarkMixed(b *testing.B) {
	ctx := context.Background()
	e := opened(b, filepath.Join(b.TempDir(), "record.db"))
	defer e.Close()
	body := `"` + strings.Repeat("x", 1000) + `"`
	if err := e.Write(ctx, store.Put(thing("C#0", "HEAD", body))); err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex
	ids := 0
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mu.Lock()
			ids++
			n := ids
			mu.Unlock()
			if n%5 < 2 {
				pk := fmt.Sprint("C#", n)
				if err := e.Write(ctx, store.Put(thing(pk, "HEAD", body)), store.Put(thing(pk, "INV#1", body)), store.Put(thing("A"+pk, "1", body))); err != nil {
					b.Error(err)
				}
				continue
			}
			if _, err := e.List(ctx, store.Query{Partition: "C#0"}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
