package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"onebook/internal/store"
)

// changes is a source in memory.
type changes struct {
	mu      sync.Mutex
	all     []store.Change
	changed chan struct{}
	trimmed uint64
}

func (c *changes) add(kinds ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range kinds {
		n := uint64(len(c.all) + 1)
		c.all = append(c.all, store.Change{Seq: n, At: time.Unix(1_767_600_000, 0), New: &store.Item{
			Key: store.Key{PK: fmt.Sprintf("K#%d", n), SK: "S"}, Version: 1, Kind: k, Body: []byte(`{}`)}})
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *changes) Changes(_ context.Context, after uint64, limit int) ([]store.Change, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.all[min(after, uint64(len(c.all))):]
	return slices.Clone(out[:min(limit, len(out))]), nil
}

func (c *changes) Changed() <-chan struct{} { c.mu.Lock(); defer c.mu.Unlock(); return c.changed }

func (c *changes) TrimChanges(_ context.Context, before uint64) error { c.trimmed = before; return nil }

type rig struct {
	*Follower
	source *changes
	mu     sync.Mutex
	got    []string // function: keys of a batch
	answer func(fn string, keys []string, seqs []string) (json.RawMessage, error)
}

func open(t *testing.T, file string, source *changes, mappings ...Mapping) *rig {
	t.Helper()
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	r := &rig{source: source}
	if r.Follower, err = New(db, source, mappings); err != nil {
		t.Fatal(err)
	}
	r.Invoke = func(_ context.Context, fn string, payload json.RawMessage) (json.RawMessage, error) {
		var e struct{ Records []json.RawMessage }
		if err := json.Unmarshal(payload, &e); err != nil {
			t.Error(err)
		}
		var keys, seqs []string
		for _, raw := range e.Records {
			c, err := store.DecodeStream(raw)
			if err != nil {
				t.Error(err)
				return nil, err
			}
			keys, seqs = append(keys, strings.TrimPrefix(c.New.PK, "K#")), append(seqs, sequence(raw))
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, fn+" "+strings.Join(keys, ","))
		if r.answer != nil {
			return r.answer(fn, keys, seqs)
		}
		return json.RawMessage("null"), nil
	}
	return r
}

func newRig(t *testing.T, mappings ...Mapping) *rig {
	return open(t, filepath.Join(t.TempDir(), "db"), &changes{changed: make(chan struct{})}, mappings...)
}

func (r *rig) want(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.got, want) {
		t.Errorf("delivered %q, want %q", r.got, want)
	}
	r.got = nil
}

func kind(t *testing.T, k string) []Filter {
	t.Helper()
	f, err := ParseFilter(`{"dynamodb":{"NewImage":{"t":{"S":["` + k + `"]}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	return []Filter{f}
}

// Each function is handed what its mapping lets through, in order, in batches, once.
func TestMappings(t *testing.T) {
	r := newRig(t, Mapping{Name: "relay", Function: "relay", Filters: kind(t, "effect"), BatchSize: 2}, Mapping{Name: "pdf", Function: "pdf", Filters: kind(t, "document")})
	r.source.add("effect", "contact", "effect", "document", "effect", "head")
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.want(t, "relay 1,3", "relay 5", "pdf 4")
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.want(t)
	if lanes, failed := r.Lanes(); lanes[0].Cursor != 6 || lanes[1].Cursor != 6 || failed != 0 {
		t.Errorf("%v, %d", lanes, failed)
	}
}

// What a function causes is handed on before Drain returns.
func TestChain(t *testing.T) {
	r := newRig(t, Mapping{Name: "pdf", Function: "pdf", Filters: kind(t, "document")}, Mapping{Name: "relay", Function: "relay", Filters: kind(t, "effect")})
	r.answer = func(fn string, _, _ []string) (json.RawMessage, error) {
		if fn == "relay" && len(r.source.all) < 3 {
			r.source.add("document")
		}
		return nil, nil
	}
	r.source.add("effect")
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.want(t, "relay 1", "pdf 2")
}

// One record that nobody can deal with holds up no other, and is put aside.
func TestPoison(t *testing.T) {
	r := newRig(t, Mapping{Name: "relay", Function: "relay", Retries: 5, Bisect: true})
	r.answer = func(_ string, keys, _ []string) (json.RawMessage, error) {
		if slices.Contains(keys, "3") {
			return nil, errors.New("boom")
		}
		return nil, nil
	}
	r.source.add("a", "b", "poison", "c")
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := map[string]bool{}
	for _, g := range r.got {
		if k := strings.TrimPrefix(g, "relay "); !strings.Contains(k, "3") {
			for _, x := range strings.Split(k, ",") {
				done[x] = true
			}
		}
	}
	if len(done) != 3 {
		t.Errorf("done %v", done)
	}
	if lanes, failed := r.Lanes(); failed != 1 || lanes[0].Cursor != 4 {
		t.Errorf("%d put aside, at %d", failed, lanes[0].Cursor)
	}
}

// A function that names the record it failed on gets it and what follows again, and nothing else.
func TestPartial(t *testing.T) {
	r := newRig(t, Mapping{Name: "relay", Function: "relay", Retries: 1, Partial: true})
	failed := false
	r.answer = func(_ string, keys, seqs []string) (json.RawMessage, error) {
		if i := slices.Index(keys, "2"); i >= 0 && !failed {
			failed = true
			return json.RawMessage(`{"batchItemFailures":[{"itemIdentifier":"` + seqs[i] + `"}]}`), nil
		}
		return json.RawMessage(`{"batchItemFailures":[]}`), nil
	}
	r.source.add("a", "b", "c")
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.want(t, "relay 1,2,3", "relay 2,3")
	r.answer = func(string, []string, []string) (json.RawMessage, error) {
		return json.RawMessage(`{"batchItemFailures":[{"itemIdentifier":"made up"}]}`), nil
	}
	r.source.add("d")
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.want(t, "relay 4", "relay 4")
	if _, n := r.Lanes(); n != 1 {
		t.Errorf("%d put aside", n)
	}
}

// Off means off; on again means from where it stood, also in another process.
func TestSwitchAndRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db")
	source := &changes{changed: make(chan struct{})}
	m := Mapping{Name: "relay", Function: "relay"}
	r := open(t, file, source, m)
	source.add("a")
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.want(t, "relay 1")
	r.Switch(false)
	source.add("b")
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.want(t)
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, file, source, m)
	again.Twice.Store(true)
	if err := again.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	again.want(t, "relay 2", "relay 2")
}

// Changes are handed on as they come, and a switch takes effect at once.
func TestRun(t *testing.T) {
	r := newRig(t, Mapping{Name: "relay", Function: "relay"})
	arrived := make(chan string, 8)
	r.answer = func(_ string, keys, _ []string) (json.RawMessage, error) {
		arrived <- strings.Join(keys, ",")
		return nil, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	r.source.add("a")
	if got := <-arrived; got != "1" {
		t.Errorf("got %s", got)
	}
	r.Switch(false)
	r.source.add("b")
	r.Switch(true)
	if got := <-arrived; got != "2" {
		t.Errorf("got %s", got)
	}
	cancel()
	<-done
}

// A program that dies in the middle of a batch hands it on again.
func TestInterrupted(t *testing.T) {
	r := newRig(t, Mapping{Name: "relay", Function: "relay", Retries: 3})
	ctx, cancel := context.WithCancel(t.Context())
	r.answer = func(string, []string, []string) (json.RawMessage, error) { cancel(); return nil, ctx.Err() }
	r.source.add("a")
	if err := r.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	r.answer, r.got = nil, nil
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.want(t, "relay 1")
}

func TestTrim(t *testing.T) {
	r := newRig(t, Mapping{Name: "relay", Function: "relay"}, Mapping{Name: "pdf", Function: "pdf"})
	r.source.add(make([]string, trimEvery+7)...)
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.source.trimmed < trimEvery || r.source.trimmed > trimEvery+8 {
		t.Errorf("trimmed before %d", r.source.trimmed)
	}
}
