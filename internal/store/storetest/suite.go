package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/fault"
	"onebook/internal/store"
)

// Run is the suite: the promises of a Table, each as a test on a table of its own.
func Run(t *testing.T, open Open) {
	for _, promise := range []struct {
		name string
		test func(t *testing.T, s *subject)
	}{
		{"what was written is read back", readBack},
		{"an item is created once", createdOnce},
		{"an expired item is replaced, and only that", expiredReplaced},
		{"who read an expired item cannot touch its successor", successorSafe},
		{"a stale write changes nothing", staleWrite},
		{"a check holds or fails and changes nothing", checks},
		{"the first failed condition is the answer", firstFailure},
		{"a hundred operations are all or nothing", allOrNothing},
		{"a write that cannot be done is refused before it begins", badWrites},
		{"an item has at most 400 KB", itemLimit},
		{"a write has at most 4 MB", writeLimit},
		{"a page has at most 1 MB", pageLimit},
		{"a listing is what was asked for", listings},
		{"an index shows places and kinds, and bodies only in the book", indexShape},
		{"an item leaves and moves in the indexes", indexMoves},
		{"a cursor fits only its own listing", cursors},
		{"a bad query is refused", badQueries},
		{"a listing shows every untouched item once while others write", listingUnderWrites},
		{"a write recognises itself after a lost answer", recognition},
		{"a write recognises itself though others wrote after it", recognitionAfterOthers},
		{"a lost answer does not make another's deed ours", recognitionOfOthers},
		{"one of 64 writers wins", oneWinner},
		{"many writers of one item lose nothing", noLostUpdate},
		{"the stream tells every change of an item in order", streamOrder},
		{"a conflict is tried again", conflicts},
		{"endless conflicts and a spent deadline are Busy", endlessConflicts},
	} {
		t.Run(promise.name, func(t *testing.T) {
			clock := &Clock{}
			promise.test(t, &subject{Harness: open(t, clock.Now), T: t, clock: clock, ctx: context.Background()})
		})
	}
}

// subject is the table of one test.
type subject struct {
	*testing.T
	Harness
	clock *Clock
	ctx   context.Context
	n     int
}

func (s *subject) write(ops ...store.Op) {
	s.Helper()
	if err := s.Table.Write(s.ctx, ops...); err != nil {
		s.Fatalf("write: %v", err)
	}
}

func (s *subject) refused(want error, ops ...store.Op) {
	s.Helper()
	if err := s.Table.Write(s.ctx, ops...); !errors.Is(err, want) {
		s.Fatalf("write answered %v, want %v", err, want)
	}
}

func (s *subject) get(k store.Key) store.Item {
	s.Helper()
	it, err := s.Table.Get(s.ctx, k)
	if err != nil {
		s.Fatalf("get %v: %v", k, err)
	}
	return it
}

func (s *subject) absent(k store.Key) {
	s.Helper()
	if it, err := s.Table.Get(s.ctx, k); !errors.Is(err, store.ErrNotFound) || !errors.Is(err, fault.NotFound) {
		s.Fatalf("get %v answered %+v, %v, want ErrNotFound", k, it, err)
	}
}

func (s *subject) same(got, want any) {
	s.Helper()
	if d := cmp.Diff(want, got); d != "" {
		s.Fatalf("got other than wanted (-want +got):\n%s", d)
	}
}

// all lists to the end, limit items a page.
func (s *subject) all(q store.Query) []store.Item {
	s.Helper()
	var items []store.Item
	for pages := 0; ; pages++ {
		p, err := s.Table.List(s.ctx, q)
		if err != nil {
			s.Fatalf("list %+v: %v", q, err)
		}
		if q.Limit > 0 && len(p.Items) > q.Limit {
			s.Fatalf("a page of %d items, the limit is %d", len(p.Items), q.Limit)
		}
		items = append(items, p.Items...)
		if p.Cursor == "" {
			return items
		}
		if q.Cursor = p.Cursor; pages > 10_000 {
			s.Fatal("the listing does not end")
		}
	}
}

// claim is a create-once item for writes that need one.
func (s *subject) claim() store.Op {
	s.n++
	return store.Put(store.Item{Key: store.Key{PK: "CLAIM#test#" + fmt.Sprint(s.n), SK: "CLAIM"}, Kind: "claim"})
}

func item(pk, sk, body string) store.Item {
	return store.Item{Key: store.Key{PK: pk, SK: sk}, Kind: "thing", Body: []byte(body)}
}

var (
	errTaken = fault.Exists.Errorf("it was taken")
	errStale = fault.Stale.Errorf("it was stale")
	errOther = fault.Unready.Errorf("it was something else")
)

func readBack(_ *testing.T, s *subject) {
	full := store.Item{
		Key: store.Key{PK: "C#ct_1", SK: "INV#in_1"}, Kind: "invoice", Body: []byte(`{"n":"Zażółć 😀 \u0000","q":"\"<&>"}`),
		Due: store.Key{PK: "reminder#3", SK: "2026-01-05T09:00:00Z#in_1"}, List: store.Key{PK: "invoice#open#2", SK: "2026-01-05#in_1"},
		Book: store.Key{PK: "2026-01-05#1", SK: "10:00#a_1"}, Expires: s.clock.Now().Add(1234567 * time.Millisecond),
	}
	bare := store.Item{Key: store.Key{PK: "U#email#a@b.example", SK: "U"}}
	s.write(store.Put(full), store.Put(bare))

	full.Version, bare.Version = 1, 1
	s.same(s.get(full.Key), full)
	s.same(s.get(bare.Key), bare)
	s.absent(store.Key{PK: full.PK, SK: "INV#in_2"})
	s.absent(store.Key{PK: "C#ct_2", SK: full.SK})

	full.Body, full.Due, full.Expires = []byte(`{}`), store.Key{}, time.Time{}
	s.write(store.Put(full), s.claim())
	full.Version = 2
	s.same(s.get(full.Key), full)
}

func createdOnce(_ *testing.T, s *subject) {
	first := item("P", "S", `{"by":"first"}`)
	s.write(store.Put(first))
	s.refused(errTaken, store.Put(item("P", "S", `{"by":"second"}`)).Else(errTaken))
	s.refused(store.ErrConflict, store.Put(item("P", "S", `{"by":"third"}`)))
	first.Version = 1
	s.same(s.get(first.Key), first)

	s.write(store.Delete(first.Key, 1), s.claim())
	s.absent(first.Key)
	s.write(store.Put(item("P", "S", `{"by":"fourth"}`)))
}

func expiredReplaced(_ *testing.T, s *subject) {
	it := item("CLAIM#a", "CLAIM", `{"by":"first"}`)
	it.Expires = s.clock.Now().Add(time.Minute)
	s.write(store.Put(it))

	next := item("CLAIM#a", "CLAIM", `{"by":"second"}`)
	s.clock.Move(time.Minute - time.Millisecond)
	s.refused(errTaken, store.Put(next).Else(errTaken))
	s.refused(errTaken, store.Absent(it.Key).Else(errTaken), s.claim())
	s.clock.Move(time.Millisecond)
	if got := s.get(it.Key); string(got.Body) != `{"by":"first"}` {
		s.Fatalf("an expired item that is not yet swept reads %s", got.Body)
	}
	s.write(store.Absent(it.Key), s.claim())
	s.write(store.Put(next), s.claim())
	got := s.get(it.Key)
	if string(got.Body) != `{"by":"second"}` || got.Version != 2 || !got.Expires.IsZero() {
		s.Fatalf("the expired item was replaced by %+v", got)
	}
	s.refused(errTaken, store.Put(item("CLAIM#a", "CLAIM", `{"by":"third"}`)).Else(errTaken))
}

func successorSafe(_ *testing.T, s *subject) {
	it := item("HOLD#a", "HOLD", `{"by":"first"}`)
	it.Expires = s.clock.Now().Add(time.Minute)
	s.write(store.Put(it))
	old := s.get(it.Key)
	s.clock.Move(time.Hour)
	s.write(store.Put(item("HOLD#a", "HOLD", `{"by":"second"}`)))

	old.Body = []byte(`{"by":"first, late"}`)
	s.refused(errStale, store.Put(old).Else(errStale), s.claim())
	s.refused(errStale, store.Delete(old.Key, old.Version).Else(errStale), s.claim())
	s.refused(errStale, store.Check(old.Key, old.Version).Else(errStale), s.claim())
	if got := s.get(it.Key); string(got.Body) != `{"by":"second"}` {
		s.Fatalf("the successor reads %s", got.Body)
	}
}

func staleWrite(_ *testing.T, s *subject) {
	it := item("P", "S", `{"n":1}`)
	s.write(store.Put(it))
	read := s.get(it.Key)
	other := read
	other.Body = []byte(`{"n":2}`)
	s.write(store.Put(other), s.claim())

	read.Body = []byte(`{"n":3}`)
	claim := s.claim()
	s.refused(errStale, store.Put(read).Else(errStale), claim)
	s.refused(store.ErrConflict, store.Put(read), claim)
	s.refused(errStale, store.Delete(read.Key, read.Version).Else(errStale), claim)
	s.absent(claim.Item.Key)
	if got := s.get(it.Key); string(got.Body) != `{"n":2}` || got.Version != 2 {
		s.Fatalf("after a stale write: %+v", got)
	}
	s.refused(errStale, store.Put(store.Item{Key: store.Key{PK: "P", SK: "never"}, Version: 1}).Else(errStale), claim)
	s.refused(errStale, store.Delete(store.Key{PK: "P", SK: "never"}, 1).Else(errStale), claim)
}

func checks(_ *testing.T, s *subject) {
	it := item("P", "S", `{}`)
	s.refused(errOther, store.Check(it.Key, 1).Else(errOther), s.claim())
	s.write(store.Absent(it.Key), s.claim())
	s.write(store.Put(it))
	s.write(store.Check(it.Key, 1), s.claim())
	s.refused(errOther, store.Check(it.Key, 2).Else(errOther), s.claim())
	s.refused(errOther, store.Absent(it.Key).Else(errOther), s.claim())
	if got := s.get(it.Key); got.Version != 1 {
		s.Fatalf("a check has changed the version to %d", got.Version)
	}
}

func firstFailure(_ *testing.T, s *subject) {
	s.write(store.Put(item("P", "a", `{}`)), store.Put(item("P", "b", `{}`)))
	stale := item("P", "b", `{}`)
	stale.Version = 7
	s.refused(errStale, s.claim(), store.Put(stale).Else(errStale), store.Put(item("P", "a", `{}`)).Else(errTaken))
	s.refused(errTaken, s.claim(), store.Put(item("P", "a", `{}`)).Else(errTaken), store.Put(stale).Else(errStale))
	s.refused(store.ErrConflict, s.claim(), store.Put(item("P", "a", `{}`)), store.Put(stale).Else(errStale))
}

func allOrNothing(_ *testing.T, s *subject) {
	s.write(store.Put(item("TAKEN", "x", `{}`)))
	ops := make([]store.Op, 0, store.MaxOps)
	for i := range store.MaxOps - 1 {
		ops = append(ops, store.Put(item("MANY", fmt.Sprintf("%03d", i), `{}`)).Else(errOther))
	}
	s.refused(errTaken, append(ops, store.Put(item("TAKEN", "x", `{}`)).Else(errTaken))...)
	s.same(len(s.all(store.Query{Partition: "MANY"})), 0)
	s.write(append(ops, store.Put(item("FREE", "x", `{}`)).Else(errTaken))...)
	s.same(len(s.all(store.Query{Partition: "MANY"})), store.MaxOps-1)
	s.get(store.Key{PK: "FREE", SK: "x"})
}

func badWrites(_ *testing.T, s *subject) {
	long := strings.Repeat("x", store.MaxPKBytes+1)
	half := item("P", "half", `{}`)
	half.Due.PK = "due#1"
	tooMany := make([]store.Op, store.MaxOps+1)
	for i := range tooMany {
		tooMany[i] = s.claim()
	}
	with := func(op store.Op) []store.Op { return []store.Op{s.claim(), op} }
	for name, c := range map[string]struct {
		ops  []store.Op
		want error
	}{
		"none":                   {nil, store.ErrBadWrite},
		"101":                    {tooMany, store.ErrBadWrite},
		"nothing create-once":    {[]store.Op{store.Absent(store.Key{PK: "P", SK: "S"})}, store.ErrBadWrite},
		"a key twice":            {with(store.Absent(s.claim().Item.Key)), nil},
		"delete of no version":   {with(store.Delete(store.Key{PK: "P", SK: "S"}, 0)), store.ErrBadWrite},
		"negative version":       {with(store.Check(store.Key{PK: "P", SK: "S"}, -1)), store.ErrBadWrite},
		"no action":              {with(store.Op{Item: item("P", "S", `{}`)}), store.ErrBadWrite},
		"body is no JSON":        {with(store.Put(item("P", "S", `{"n":`))), store.ErrBadWrite},
		"body is no UTF-8":       {with(store.Put(item("P", "S", "\"\xff\""))), store.ErrBadWrite},
		"empty partition key":    {with(store.Put(item("", "S", `{}`))), store.ErrBadKey},
		"empty sort key":         {with(store.Put(item("P", "", `{}`))), store.ErrBadKey},
		"partition key too long": {with(store.Put(item(long, "S", `{}`))), store.ErrBadKey},
		"sort key too long":      {with(store.Put(item("P", long[:store.MaxSKBytes+1], `{}`))), store.ErrBadKey},
		"NUL in a key":           {with(store.Put(item("P\x00", "S", `{}`))), store.ErrBadKey},
		"key is no UTF-8":        {with(store.Put(item("P", "\xff", `{}`))), store.ErrBadKey},
		"half an index place":    {with(store.Put(half)), store.ErrBadKey},
	} {
		if name == "a key twice" {
			c.ops[1].Item.Key, c.want = c.ops[0].Item.Key, store.ErrBadWrite
		}
		if err := s.Table.Write(s.ctx, c.ops...); !errors.Is(err, c.want) {
			s.Errorf("%s: answered %v, want %v", name, err, c.want)
		}
		if len(c.ops) > 0 && c.ops[0].Item.Key.PK != "P" {
			s.absent(c.ops[0].Item.Key)
		}
	}
	longest := item(long[1:], long[:store.MaxSKBytes], `{}`)
	s.write(store.Put(longest))
	s.same(len(s.all(store.Query{Partition: long[1:], From: long[:store.MaxSKBytes]})), 1)
	if _, err := s.Table.Get(s.ctx, store.Key{PK: "P\x00", SK: "S"}); !errors.Is(err, fault.Invalid) {
		s.Errorf("get of a key with NUL answered %v", err)
	}
}
