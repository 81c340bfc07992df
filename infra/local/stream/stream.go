// Package stream hands the table's changes to the functions that the template maps to its stream.
//
// Each mapping follows the changes from its own cursor, which is on disk: after a kill a batch may come twice, and
// none is left out. Records are filtered and batched as the template says, and shaped as Lambda shapes them. A batch that fails
// is cut in half, tried again, and in the end put aside, so that one record cannot hold up the others.
//
// The stream can be switched off, because the product must not depend on it: its sweeper guarantees every effect.
// Switched on again it goes on where it stood.
package stream

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"onebook/internal/store"
)

// Mapping is one event source mapping of the template.
type Mapping struct {
	Name      string
	Function  string
	Filters   []Filter // any of them; none takes everything
	BatchSize int      // zero is the service's 100
	Retries   int      // MaximumRetryAttempts
	Bisect    bool     // BisectBatchOnFunctionError
	Partial   bool     // FunctionResponseTypes has ReportBatchItemFailures
}

// Source is the changes of a table; store.Embedded is one.
type Source interface {
	Changes(ctx context.Context, after uint64, limit int) ([]store.Change, error)
	Changed() <-chan struct{}
	TrimChanges(ctx context.Context, before uint64) error
}

// Follower hands on changes. Make it with New and set the rest.
type Follower struct {
	Invoke func(ctx context.Context, function string, payload json.RawMessage) (json.RawMessage, error)
	Log    *slog.Logger // optional
	// Twice delivers every batch a second time: the service promises at least once.
	Twice atomic.Bool

	source Source
	db     *bbolt.DB
	lanes  []*lane
	mu     sync.Mutex
	off    bool
	toggle chan struct{} // closed at the next switch
}

type lane struct {
	Mapping
	mu      sync.Mutex
	cursor  atomic.Uint64 // the last change that was dealt with
	saved   atomic.Uint64 // the cursor on disk
	trimmed uint64
}

var (
	cursors = []byte("stream")
	aside   = []byte("stream-failed")
)

// ARN is the name of the stream in the records.
const ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/onebook/stream/2026-01-01T00:00:00.000"

// page is how many changes are read at once.
const page = 500

// New follows source for each mapping, from where db says it stood, or from the beginning.
func New(db *bbolt.DB, source Source, mappings []Mapping) (*Follower, error) {
	f := &Follower{source: source, db: db, toggle: make(chan struct{})}
	return f, db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(cursors)
		if err != nil {
			return err
		}
		if _, err := tx.CreateBucketIfNotExists(aside); err != nil {
			return err
		}
		for _, m := range mappings {
			if m.BatchSize == 0 {
				m.BatchSize = 100
			}
			l := &lane{Mapping: m}
			if v := b.Get([]byte(m.Name)); v != nil {
				l.cursor.Store(binary.BigEndian.Uint64(v))
				l.saved.Store(l.cursor.Load())
			}
			f.lanes = append(f.lanes, l)
		}
		return nil
	})
}

// Switch turns the stream on or off.
func (f *Follower) Switch(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.off == !on {
		return
	}
	f.off = !on
	close(f.toggle)
	f.toggle = make(chan struct{})
}

func (f *Follower) state() (on bool, toggle <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.off, f.toggle
}

// On reports whether changes are handed on.
func (f *Follower) On() bool { on, _ := f.state(); return on }

// Run hands on changes as they come until ctx ends, each mapping by itself.
func (f *Follower) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, l := range f.lanes {
		wg.Go(func() { f.follow(ctx, l) })
	}
	wg.Wait()
}

func (f *Follower) follow(ctx context.Context, l *lane) {
	for ctx.Err() == nil {
		changed := f.source.Changed()
		on, toggle := f.state()
		if on {
			if _, err := f.drain(ctx, l); err != nil && ctx.Err() == nil {
				f.note(l, "the changes could not be read", err)
				changed = nil
			}
		}
		retry := time.Minute
		if changed == nil {
			retry = time.Second
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-toggle:
		case <-time.After(retry):
		}
	}
}

// Drain returns when every change so far has been handed on, and every change that this caused. It does nothing
// while the stream is off.
func (f *Follower) Drain(ctx context.Context) error {
	for f.On() {
		moved := false
		for _, l := range f.lanes {
			n, err := f.drain(ctx, l)
			if err != nil {
				return err
			}
			moved = moved || n > 0
		}
		if !moved {
			break
		}
	}
	return ctx.Err()
}

// drain hands on everything after the lane's cursor and answers how many changes it passed.
func (f *Follower) drain(ctx context.Context, l *lane) (passed int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for f.On() && ctx.Err() == nil {
		changes, err := f.source.Changes(ctx, l.cursor.Load(), page)
		if err != nil {
			return passed, fmt.Errorf("after change %d: %w", l.cursor.Load(), err)
		}
		if len(changes) == 0 {
			return passed, f.trim(ctx)
		}
		if err := f.pass(ctx, l, changes); err != nil {
			return passed, err
		}
		passed += len(changes)
	}
	return passed, ctx.Err()
}

// pass hands on the changes that fit, in batches, and moves the cursor behind each.
func (f *Follower) pass(ctx context.Context, l *lane, changes []store.Change) error {
	var batch []record
	flush := func(upTo uint64) error {
		if len(batch) == 0 {
			// Passing over what does not fit is the same a second time, so it is seldom worth a sync.
			l.cursor.Store(upTo)
			if upTo-l.saved.Load() < page {
				return nil
			}
			return f.save(l)
		}
		f.deliver(ctx, l, batch, l.Retries)
		if f.Twice.Load() {
			f.deliver(ctx, l, batch, l.Retries)
		}
		batch = nil
		if err := ctx.Err(); err != nil {
			return err // it may not have arrived; it comes again
		}
		l.cursor.Store(upTo)
		return f.save(l)
	}
	for _, c := range changes {
		raw, err := store.EncodeStream(c, ARN)
		if err != nil {
			return err
		}
		if l.fits(raw) {
			batch = append(batch, record{raw: raw, seq: sequence(raw)})
		}
		if len(batch) == l.BatchSize {
			if err := flush(c.Seq); err != nil {
				return err
			}
		}
	}
	return flush(changes[len(changes)-1].Seq)
}

func (l *lane) fits(raw json.RawMessage) bool {
	if len(l.Filters) == 0 {
		return true
	}
	for _, x := range l.Filters {
		if x.Match(raw) {
			return true
		}
	}
	return false
}

func (f *Follower) save(l *lane) error {
	at := l.cursor.Load()
	err := f.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(cursors).Put([]byte(l.Name), binary.BigEndian.AppendUint64(nil, at))
	})
	if err != nil {
		return fmt.Errorf("the cursor of %s: %w", l.Name, err)
	}
	l.saved.Store(at)
	return nil
}

// trimEvery is how many changes are kept before those that all mappings have passed are forgotten.
const trimEvery = 5000

// trim forgets changes that every lane has behind it, on disk.
func (f *Follower) trim(ctx context.Context) error {
	var least uint64
	for i, l := range f.lanes {
		at := l.saved.Load()
		if i == 0 || at < least {
			least = at
		}
	}
	first := f.lanes[0]
	f.mu.Lock()
	due := least >= first.trimmed+trimEvery
	if due {
		first.trimmed = least
	}
	f.mu.Unlock()
	if !due {
		return nil
	}
	return f.source.TrimChanges(ctx, least+1)
}

// Lane tells where one mapping stands.
type Lane struct {
	Name     string `json:"name"`
	Function string `json:"function"`
	Cursor   uint64 `json:"cursor"`
}

// Lanes tells where the mappings stand, and how many batches were put aside.
func (f *Follower) Lanes() (lanes []Lane, failed int) {
	for _, l := range f.lanes {
		lanes = append(lanes, Lane{l.Name, l.Function, l.cursor.Load()})
	}
	f.db.View(func(tx *bbolt.Tx) error { failed = tx.Bucket(aside).Stats().KeyN; return nil })
	return lanes, failed
}

func (f *Follower) note(l *lane, what string, err error) {
	if f.Log != nil {
		f.Log.Error(what, "mapping", l.Name, "function", l.Function, "error", err.Error())
	}
}
