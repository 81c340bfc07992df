package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onebook/internal/fault"
	"onebook/internal/store"
)

func recognition(_ *testing.T, s *subject) {
	s.LoseAnswer(nil)
	s.write(store.Put(item("P", "a", `{}`)).Else(errTaken))

	s.LoseAnswer(nil)
	it := s.get(store.Key{PK: "P", SK: "a"})
	it.Body = []byte(`{"n":2}`)
	s.write(store.Put(it).Else(errStale), store.Put(item("P", "b", `{}`)).Else(errTaken))
	if got := s.get(it.Key); got.Version != 2 {
		s.Fatalf("written %d times", got.Version-1)
	}

	// Over an expired item, too.
	hold := item("P", "hold", `{}`)
	hold.Expires = s.clock.Now()
	s.write(store.Put(hold))
	s.LoseAnswer(nil)
	s.write(store.Put(item("P", "hold", `{"n":2}`)).Else(errTaken))
	s.same(s.get(hold.Key).Version, int64(2))
}

// The state that the deed wrote has been changed again, and one of its create-once items as well.
func recognitionAfterOthers(_ *testing.T, s *subject) {
	head := item("C#1", "HEAD", `{"seq":0}`)
	s.write(store.Put(head))
	head.Version, head.Body = 1, []byte(`{"seq":1}`)
	s.LoseAnswer(func() {
		next := s.get(head.Key)
		next.Body = []byte(`{"seq":2}`)
		invoice := s.get(store.Key{PK: "C#1", SK: "INV#1"})
		invoice.Body = []byte(`{"state":"void"}`)
		s.write(store.Put(next), store.Put(invoice), store.Put(item("A#1", "000000000002", `{}`)))
	})
	s.write(
		store.Put(head).Else(errStale),
		store.Put(item("C#1", "INV#1", `{"state":"open"}`)).Else(errTaken),
		store.Put(item("A#1", "000000000001", `{}`)).Else(errOther),
	)
	if got := s.get(head.Key); string(got.Body) != `{"seq":2}` || got.Version != 3 {
		s.Fatalf("the other's write was lost: %+v", got)
	}
	s.same(len(s.all(store.Query{Partition: "A#1"})), 2)
}

// Our claim was given up again and taken by another write, which looks just like ours: it is not believed to be
// ours. A create-once item that nobody deletes, such as an activity, would have told.
func recognitionOfOthers(_ *testing.T, s *subject) {
	claim := item("CLAIM#paid#pi_1", "CLAIM", `{}`)
	s.LoseAnswer(func() {
		s.write(store.Delete(claim.Key, 1), s.claim())
		s.write(store.Put(claim))
	})
	s.refused(errTaken, store.Put(claim).Else(errTaken))
	s.same(s.get(claim.Key).Version, int64(1))
}

func oneWinner(t *testing.T, s *subject) {
	const writers = 64
	var won, lost atomic.Int64
	var winner atomic.Value
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			body := fmt.Sprintf(`{"by":%d}`, w)
			err := s.Table.Write(s.ctx,
				store.Put(item("CLAIM#slot", "CLAIM", body)).Else(errTaken),
				store.Put(item("A#1", fmt.Sprintf("%012d", w), `{}`)))
			switch {
			case err == nil:
				won.Add(1)
				winner.Store(body)
			case errors.Is(err, errTaken):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || lost.Load() != writers-1 {
		s.Fatalf("%d have won and %d lost", won.Load(), lost.Load())
	}
	s.same(string(s.get(store.Key{PK: "CLAIM#slot", SK: "CLAIM"}).Body), winner.Load())
	s.same(len(s.all(store.Query{Partition: "A#1"})), 1)
}

func noLostUpdate(t *testing.T, s *subject) {
	const writers = 24
	counter := item("SERIES#inv", "SERIES", "0")
	s.write(store.Put(counter))
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for try := 0; ; try++ {
				it, err := s.Table.Get(s.ctx, counter.Key)
				if err != nil {
					t.Error(err)
					return
				}
				it.Body = fmt.Appendf(nil, "%d", it.Version)
				err = s.Table.Write(s.ctx, store.Put(it).Else(errStale), store.Put(item("A#1", fmt.Sprint(w, "#", try), `{}`)))
				if err == nil {
					return
				}
				if !errors.Is(err, errStale) && !errors.Is(err, fault.Busy) {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	got := s.get(counter.Key)
	if string(got.Body) != fmt.Sprint(writers) || got.Version != writers+1 {
		s.Fatalf("after %d increments: %s at version %d", writers, got.Body, got.Version)
	}
	s.same(len(s.all(store.Query{Partition: "A#1"})), writers)
}

func streamOrder(t *testing.T, s *subject) {
	const items, rounds = 8, 6
	var all sync.WaitGroup
	for i := range items {
		all.Go(func() {
			it := item(fmt.Sprint("P", i), "S", `{"n":0}`)
			it.Due = store.Key{PK: "D", SK: fmt.Sprint(i)}
			for n := range rounds {
				it.Version, it.Body = int64(n), fmt.Appendf(nil, `{"n":%d}`, n)
				if err := s.Table.Write(s.ctx, store.Put(it), store.Put(item("A", fmt.Sprint(i, "#", n), `{}`))); err != nil {
					t.Error(err)
					return
				}
			}
			if err := s.Table.Write(s.ctx, store.Delete(it.Key, rounds), store.Put(item("A", fmt.Sprint(i, "#end"), `{}`))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s.refused(errTaken, store.Put(item("A", "0#0", `{}`)).Else(errTaken), s.claim()) // leaves no trace

	last, claims := map[store.Key]store.Item{}, 0
	for _, c := range s.Changes(t) {
		side := c.New
		if side == nil {
			side = c.Old
		}
		if side == nil {
			s.Fatalf("a change without items: %+v", c)
		}
		if side.PK == "A" {
			claims++
		}
		was, known := last[side.Key]
		if (c.Old != nil) != known || (known && was.Version != c.Old.Version) {
			s.Fatalf("the change of %v is from %+v, the last one was to %+v", side.Key, c.Old, was)
		}
		if c.New == nil {
			delete(last, side.Key)
			continue
		}
		if c.New.Version != was.Version+1 || c.New.Kind != "thing" {
			s.Fatalf("the change of %v goes from version %d to %+v", side.Key, was.Version, c.New)
		}
		if side.PK != "A" {
			s.same(c.New.Due, store.Key{PK: "D", SK: side.PK[1:]})
			s.same(string(c.New.Body), fmt.Sprintf(`{"n":%d}`, c.New.Version-1))
		}
		last[side.Key] = *c.New
	}
	s.same(claims, items*(rounds+1))
	for k := range last {
		if strings.HasPrefix(k.PK, "P") {
			s.Fatalf("%v was not deleted in the stream", k)
		}
	}
}

func conflicts(_ *testing.T, s *subject) {
	s.Conflict(3)
	s.write(store.Put(item("P", "a", `{}`)).Else(errTaken))
	s.same(s.Pauses(), 3)
	s.same(s.get(store.Key{PK: "P", SK: "a"}).Version, int64(1))

	// A conflict first and a lost answer afterwards.
	s.Conflict(1)
	s.LoseAnswer(nil)
	s.write(store.Put(item("P", "b", `{}`)).Else(errTaken))
	s.Conflict(1)
	s.refused(errTaken, store.Put(item("P", "b", `{}`)).Else(errTaken))
}

func endlessConflicts(_ *testing.T, s *subject) {
	s.Conflict(1 << 20)
	for range 2 {
		err := s.Table.Write(s.ctx, store.Put(item("P", "a", `{}`)).Else(errTaken))
		if !errors.Is(err, store.ErrBusy) || fault.KindOf(err) != fault.Busy {
			s.Fatalf("endless conflicts answered %v", err)
		}
	}
	s.Conflict(0)
	s.absent(store.Key{PK: "P", SK: "a"})

	ctx, cancel := context.WithDeadline(s.ctx, time.Unix(0, 0))
	defer cancel()
	if err := s.Table.Write(ctx, store.Put(item("P", "a", `{}`))); !errors.Is(err, fault.Busy) {
		s.Fatalf("a write after its deadline answered %v", err)
	}
	if _, err := s.Table.Get(ctx, store.Key{PK: "P", SK: "a"}); !errors.Is(err, fault.Busy) {
		s.Fatalf("a read after its deadline answered %v", err)
	}
	if _, err := s.Table.List(ctx, store.Query{Partition: "P"}); !errors.Is(err, fault.Busy) {
		s.Fatalf("a listing after its deadline answered %v", err)
	}
	s.absent(store.Key{PK: "P", SK: "a"})
}
