package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"onebook/internal/fault"
	"onebook/internal/store"
)

// awkward are sort keys whose order by bytes is easily got wrong.
var awkward = []string{
	"A", "A#", "A#1", "A#10", "A#2", "A\x01", "AA", "a", "a b", "b", "b~", "é", "ż", "\u07ff", "\u0800", "\uffee", "\U0001F600", "~", "0", "00", "1",
}

func naive(sks []string, q store.Query) []string {
	var out []string
	for _, k := range sks {
		if strings.HasPrefix(k, q.Prefix) && k >= q.From && (q.To == "" || k < q.To) {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	if q.Desc {
		slices.Reverse(out)
	}
	return out
}

func listings(_ *testing.T, s *subject) {
	var ops []store.Op
	for _, k := range awkward {
		it := item("L", k, `{}`)
		it.Due = store.Key{PK: "D", SK: k}
		ops = append(ops, store.Put(it))
	}
	// Neighbours that a careless range would show.
	for _, pk := range []string{"K", "L ", "L#", "La", "M"} {
		it := item(pk, "A", `{}`)
		it.Due = store.Key{PK: strings.Replace(pk, "L", "D", 1), SK: "A"}
		ops = append(ops, store.Put(it))
	}
	s.write(ops...)

	var queries []store.Query
	for _, p := range []string{"", "A", "A#", "A#1", "A#1x", "\U0001F600", "z"} {
		queries = append(queries, store.Query{Prefix: p})
	}
	for _, r := range [][2]string{{"", "A"}, {"A", ""}, {"A#", "AA"}, {"A#", "A#"}, {"b", "a"}, {"A#2", "b"}, {"\u0800", "\U0001F600"}, {"B", "\u0800"}, {"~~", ""}} {
		queries = append(queries, store.Query{From: r[0], To: r[1]})
	}
	for _, q := range queries {
		for _, desc := range []bool{false, true} {
			for _, limit := range []int{0, 1, 3} {
				q.Desc, q.Limit = desc, limit
				want := naive(awkward, q)
				q.Index, q.Partition = store.Main, "L"
				s.same(sortKeys(s.all(q), store.Main), want)
				q.Index, q.Partition = store.Due, "D"
				s.same(sortKeys(s.all(q), store.Due), want)
			}
		}
	}
	s.same(len(s.all(store.Query{Partition: "nothing"})), 0)
}

func sortKeys(items []store.Item, x store.Index) []string {
	var out []string
	for _, it := range items {
		if x == store.Main {
			out = append(out, it.SK)
		} else {
			out = append(out, it.Due.SK)
		}
	}
	return out
}

func indexShape(_ *testing.T, s *subject) {
	it := item("C#1", "A#1", `{"postings":[1]}`)
	it.Due = store.Key{PK: "due#1", SK: "1"}
	it.List = store.Key{PK: "list#1", SK: "2"}
	it.Book = store.Key{PK: "book#1", SK: "3"}
	it.Expires = s.clock.Now()
	s.write(store.Put(it))
	seen := func(set func(*store.Item)) []store.Item {
		want := store.Item{Key: it.Key, Kind: it.Kind}
		set(&want)
		return []store.Item{want}
	}
	s.same(s.all(store.Query{Index: store.Due, Partition: "due#1"}), seen(func(w *store.Item) { w.Due = it.Due }))
	s.same(s.all(store.Query{Index: store.ByList, Partition: "list#1"}), seen(func(w *store.Item) { w.List = it.List }))
	s.same(s.all(store.Query{Index: store.Book, Partition: "book#1"}), seen(func(w *store.Item) { w.Book, w.Body = it.Book, it.Body }))
	it.Version = 1
	s.same(s.all(store.Query{Partition: "C#1"}), []store.Item{it})
}

func indexMoves(_ *testing.T, s *subject) {
	it := item("C#1", "INV#1", `{}`)
	it.List = store.Key{PK: "invoice#draft#0", SK: "2026-01-01#1"}
	s.write(store.Put(it))
	it.Version, it.List.PK = 1, "invoice#open#0"
	s.write(store.Put(it), s.claim())
	s.same(len(s.all(store.Query{Index: store.ByList, Partition: "invoice#draft#0"})), 0)
	s.same(len(s.all(store.Query{Index: store.ByList, Partition: "invoice#open#0"})), 1)
	it.Version, it.List = 2, store.Key{}
	s.write(store.Put(it), s.claim())
	s.same(len(s.all(store.Query{Index: store.ByList, Partition: "invoice#open#0"})), 0)
	it.Version, it.Due = 3, store.Key{PK: "due#0", SK: "1"}
	s.write(store.Put(it), s.claim())
	s.same(len(s.all(store.Query{Index: store.Due, Partition: "due#0"})), 1)
	s.write(store.Delete(it.Key, 4), s.claim())
	s.same(len(s.all(store.Query{Index: store.Due, Partition: "due#0"})), 0)

	// Two items may stand at one place of an index; pages of one item show both.
	a, b := item("C#1", "A", `{}`), item("C#2", "A", `{}`)
	a.Due, b.Due = store.Key{PK: "due#1", SK: "same"}, store.Key{PK: "due#1", SK: "same"}
	s.write(store.Put(a), store.Put(b))
	seen := map[store.Key]int{}
	for _, it := range s.all(store.Query{Index: store.Due, Partition: "due#1", Limit: 1}) {
		seen[it.Key]++
	}
	s.same(seen, map[store.Key]int{a.Key: 1, b.Key: 1})
}

func cursors(_ *testing.T, s *subject) {
	for i := range 5 {
		it := item("P", fmt.Sprint("a", i), `{}`)
		it.Due, it.List = store.Key{PK: "D", SK: it.SK}, store.Key{PK: "D", SK: it.SK}
		s.write(store.Put(it))
	}
	whole := store.Query{Partition: "P", Prefix: "a", Limit: 2}
	index := store.Query{Index: store.Due, Partition: "D", Limit: 2}
	cursorOf := func(q store.Query) string {
		p, err := s.Table.List(s.ctx, q)
		if err != nil || p.Cursor == "" {
			s.Fatalf("the first page of %+v has the cursor %q, %v", q, p.Cursor, err)
		}
		return p.Cursor
	}
	mine, theirs := cursorOf(whole), cursorOf(index)
	for name, q := range map[string]store.Query{
		"no base64":           {Partition: "P", Prefix: "a", Cursor: "%%%"},
		"short":               {Partition: "P", Prefix: "a", Cursor: mine[:4]},
		"cut":                 {Index: store.Due, Partition: "D", Cursor: theirs[:len(theirs)-4]},
		"of an index":         {Partition: "P", Prefix: "a", Cursor: theirs},
		"of another index":    {Index: store.ByList, Partition: "D", Cursor: theirs},
		"of the table":        {Index: store.Due, Partition: "D", Cursor: mine},
		"of other partition":  {Partition: "Q", Prefix: "a", Cursor: mine},
		"of other prefix":     {Partition: "P", Prefix: "a0", Cursor: mine},
		"of a range":          {Partition: "P", From: "a", Cursor: mine},
		"of other direction":  {Partition: "P", Prefix: "a", Desc: true, Cursor: mine},
		"altered":             {Partition: "P", Prefix: "a", Cursor: "AAAA" + mine[4:]},
		"something at random": {Partition: "P", Prefix: "a", Cursor: "bm90IGEgY3Vyc29yIGF0IGFsbA"},
	} {
		if p, err := s.Table.List(s.ctx, q); !errors.Is(err, store.ErrBadCursor) || !errors.Is(err, fault.Invalid) {
			s.Errorf("a cursor %s: answered %+v, %v", name, p, err)
		}
	}
	whole.Cursor, whole.Limit = mine, 100
	s.same(len(s.all(whole)), 3) // the limit may change
}

func badQueries(_ *testing.T, s *subject) {
	for name, c := range map[string]struct {
		q    store.Query
		want error
	}{
		"no partition":     {store.Query{}, store.ErrBadKey},
		"NUL":              {store.Query{Partition: "P", Prefix: "\x00"}, store.ErrBadKey},
		"no UTF-8":         {store.Query{Partition: "P", From: "\xff"}, store.ErrBadKey},
		"too long":         {store.Query{Partition: "P", To: strings.Repeat("x", store.MaxSKBytes+1)}, store.ErrBadKey},
		"unknown index":    {store.Query{Index: "other", Partition: "P"}, store.ErrBadQuery},
		"negative limit":   {store.Query{Partition: "P", Limit: -1}, store.ErrBadQuery},
		"limit too large":  {store.Query{Partition: "P", Limit: store.MaxPage + 1}, store.ErrBadQuery},
		"prefix and range": {store.Query{Partition: "P", Prefix: "a", To: "b"}, store.ErrBadQuery},
	} {
		if _, err := s.Table.List(s.ctx, c.q); !errors.Is(err, c.want) {
			s.Errorf("%s: answered %v, want %v", name, err, c.want)
		}
	}
}

// Others create, change, move and delete between the untouched items while these are listed.
func listingUnderWrites(t *testing.T, s *subject) {
	const untouched = 40
	want := map[string]int{}
	var ops []store.Op
	for i := range untouched {
		it := item("P", fmt.Sprintf("%03d#untouched", i), `{}`)
		it.Due = store.Key{PK: "D", SK: it.SK}
		ops = append(ops, store.Put(it))
		want[it.SK] = 1
	}
	s.write(ops...)

	ctx, stop := context.WithCancel(s.ctx)
	var others sync.WaitGroup
	var written [4]atomic.Int64
	for w := range written {
		others.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				it := item("P", fmt.Sprintf("%03d#%d-%d", i*7%untouched, w, i), `{}`)
				it.Due = store.Key{PK: "D", SK: it.SK}
				claim := func(n int) store.Op { return store.Put(item("CLAIM", fmt.Sprint(w, i, n), `{}`)) }
				if err := s.Table.Write(s.ctx, store.Put(it)); err != nil {
					t.Error(err)
					return
				}
				it.Version = 1
				it.Due.SK = fmt.Sprintf("%03d#moved", i*11%untouched)
				if err := s.Table.Write(s.ctx, store.Put(it), claim(1)); err != nil {
					t.Error(err)
					return
				}
				if err := s.Table.Write(s.ctx, store.Delete(it.Key, 2), claim(2)); err != nil {
					t.Error(err)
					return
				}
				written[w].Add(1)
			}
		})
	}
	disturbed := func() bool {
		for w := range written {
			if written[w].Load() < 3 {
				return false
			}
		}
		return true
	}
	for round := 0; !t.Failed() && (round < 6 || !disturbed()); round++ {
		for _, x := range []store.Index{store.Main, store.Due} {
			q := store.Query{Index: x, Partition: map[store.Index]string{store.Main: "P", store.Due: "D"}[x], Limit: 1 + round%6, Desc: round%2 == 1}
			got := map[string]int{}
			for _, it := range s.all(q) {
				if strings.HasSuffix(it.SK, "#untouched") {
					got[it.SK]++
				}
			}
			s.same(got, want)
		}
	}
	stop()
	others.Wait()
}
