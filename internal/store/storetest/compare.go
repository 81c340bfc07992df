package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onebook/internal/fault"
	"onebook/internal/store"
)

// Compare drives two tables with the same random operations and fails where they answer differently: results,
// errors, items, listings. Each round works in partitions of its own, so that both tables are made only once.
func Compare(t *testing.T, openA, openB Open) {
	clock := &Clock{}
	a, b := openA(t, clock.Now), openB(t, clock.Now)
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		p := &pair{a: a, b: b, clock: clock, mark: fmt.Sprintf("r%d#", round), versions: map[store.Key]int64{}}
		t.Repeat(map[string]func(*rapid.T){
			"write":   p.write,
			"list":    p.list,
			"get":     p.get,
			"time":    func(t *rapid.T) { clock.Move(rapid.SampledFrom(steps).Draw(t, "later")) },
			"trouble": p.trouble,
		})
		p.everything(t)
	})
}

var steps = []time.Duration{time.Millisecond, time.Second, time.Minute}

type pair struct {
	a, b     Harness
	clock    *Clock
	mark     string
	claims   int
	versions map[store.Key]int64 // as last seen, to draw versions that are often right
}

var (
	sortsDrawn = rapid.SampledFrom([]string{"A", "A#1", "A#2", "B", "é", "\U0001F600"})
	partsDrawn = rapid.SampledFrom([]string{"p", "q"})
	elses      = []error{nil, errTaken, errStale, errOther}
)

func (p *pair) key(t *rapid.T) store.Key {
	return store.Key{PK: p.mark + partsDrawn.Draw(t, "pk"), SK: sortsDrawn.Draw(t, "sk")}
}

func (p *pair) place(t *rapid.T, x store.Index) store.Key {
	if rapid.IntRange(0, 2).Draw(t, "stands in "+string(x)) == 0 {
		return store.Key{}
	}
	return store.Key{PK: p.mark + partsDrawn.Draw(t, "part"), SK: sortsDrawn.Draw(t, "place") + rapid.SampledFrom([]string{"", "x"}).Draw(t, "tail")}
}

func (p *pair) op(t *rapid.T, k store.Key) store.Op {
	version := p.versions[k]
	switch rapid.IntRange(0, 5).Draw(t, "version") {
	case 0:
		version = 0
	case 1:
		version = rapid.Int64Range(1, 4).Draw(t, "any version")
	}
	op := store.Op{Action: store.Action(rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "action")), Item: store.Item{Key: k, Version: version}}
	if op.Action == store.ActPut {
		it := &op.Item
		it.Kind = rapid.SampledFrom([]string{"", "invoice", "contact"}).Draw(t, "kind")
		it.Body = rapid.SampledFrom([][]byte{nil, []byte(`{}`), []byte(`{"n":1}`), []byte(`[]`)}).Draw(t, "body")
		it.Due, it.List, it.Book = p.place(t, store.Due), p.place(t, store.ByList), p.place(t, store.Book)
		if rapid.Bool().Draw(t, "expires") {
			it.Expires = p.clock.Now().Add(rapid.SampledFrom(steps).Draw(t, "in"))
		}
	}
	return op.Else(rapid.SampledFrom(elses).Draw(t, "else"))
}

func (p *pair) write(t *rapid.T) {
	var ops []store.Op
	for range rapid.IntRange(0, 4).Draw(t, "operations") {
		ops = append(ops, p.op(t, p.key(t)))
	}
	if rapid.IntRange(0, 9).Draw(t, "claim") > 0 {
		p.claims++
		ops = append(ops, store.Put(item(p.mark+"claim", fmt.Sprint(p.claims), `{}`)))
	}
	ctx := context.Background()
	errA, errB := p.a.Table.Write(ctx, ops...), p.b.Table.Write(ctx, ops...)
	p.agree(t, errA, errB)
	for _, op := range ops {
		p.look(t, op.Item.Key)
	}
}

// trouble disturbs both tables alike before the next write.
func (p *pair) trouble(t *rapid.T) {
	n := rapid.IntRange(0, 2).Draw(t, "conflicts")
	lose := rapid.Bool().Draw(t, "lose the answer")
	for _, h := range []Harness{p.a, p.b} {
		h.Conflict(n)
		if lose {
			h.LoseAnswer(nil)
		}
	}
	p.write(t)
}

func (p *pair) get(t *rapid.T) { p.look(t, p.key(t)) }

func (p *pair) look(t *rapid.T, k store.Key) {
	ctx := context.Background()
	a, errA := p.a.Table.Get(ctx, k)
	b, errB := p.b.Table.Get(ctx, k)
	p.agree(t, errA, errB)
	if d := cmp.Diff(a, b); d != "" {
		t.Fatalf("%v differs:\n%s", k, d)
	}
	p.versions[k] = a.Version
}

func (p *pair) agree(t *rapid.T, a, b error) {
	if (a == nil) != (b == nil) || fault.KindOf(a) != fault.KindOf(b) {
		t.Fatalf("one answers %v, the other %v", a, b)
	}
	for _, e := range []error{errTaken, errStale, errOther, store.ErrConflict, store.ErrNotFound, store.ErrBusy, store.ErrBadKey, store.ErrBadWrite} {
		if errors.Is(a, e) != errors.Is(b, e) {
			t.Fatalf("one answers %v, the other %v", a, b)
		}
	}
}

func (p *pair) list(t *rapid.T) {
	q := store.Query{
		Index:     rapid.SampledFrom([]store.Index{store.Main, store.Due, store.ByList, store.Book}).Draw(t, "index"),
		Partition: p.mark + partsDrawn.Draw(t, "partition"),
		Desc:      rapid.Bool().Draw(t, "desc"),
		Limit:     rapid.SampledFrom([]int{0, 1, 2, 5}).Draw(t, "limit"),
	}
	bounds := rapid.SampledFrom([]string{"", "A", "A#", "A#1x", "B", "z", "\U0001F600"})
	if rapid.Bool().Draw(t, "by prefix") {
		q.Prefix = bounds.Draw(t, "prefix")
	} else {
		q.From, q.To = bounds.Draw(t, "from"), bounds.Draw(t, "to")
	}
	p.listed(t, q)
}

// listed compares whole listings. At one place of an index several items may stand, in any order.
func (p *pair) listed(t *rapid.T, q store.Query) {
	a, b := whole(t, p.a, q), whole(t, p.b, q)
	if d := cmp.Diff(a, b); d != "" {
		t.Fatalf("the listing %+v differs:\n%s", q, d)
	}
}

func (p *pair) everything(t *rapid.T) {
	for _, part := range []string{"p", "q"} {
		for _, x := range []store.Index{store.Main, store.Due, store.Book} {
			p.listed(t, store.Query{Index: x, Partition: p.mark + part})
		}
	}
}

func whole(t *rapid.T, h Harness, q store.Query) []store.Item {
	var items []store.Item
	for {
		page, err := h.Table.List(context.Background(), q)
		if err != nil {
			t.Fatalf("list %+v: %v", q, err)
		}
		items = append(items, page.Items...)
		if q.Cursor = page.Cursor; q.Cursor == "" {
			break
		}
	}
	place := func(it store.Item) string {
		switch q.Index {
		case store.Due:
			return it.Due.SK
		case store.ByList:
			return it.List.SK
		case store.Book:
			return it.Book.SK
		}
		return it.SK
	}
	ordered := slices.IsSortedFunc(items, func(x, y store.Item) int {
		if q.Desc {
			x, y = y, x
		}
		return strings.Compare(place(x), place(y))
	})
	if !ordered {
		t.Fatalf("the listing %+v is out of order: %+v", q, items)
	}
	slices.SortFunc(items, func(x, y store.Item) int {
		return strings.Compare(place(x)+"\x00"+x.PK+"\x00"+x.SK, place(y)+"\x00"+y.PK+"\x00"+y.SK)
	})
	return items
}
