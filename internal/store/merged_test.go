package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

// Shards read as one list: in order, every item once, whatever the pages.
func TestMerged(t *testing.T) {
	ctx := context.Background()
	e := storetest.Embedded(t, now)
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		shards := rapid.IntRange(1, 5).Draw(t, "shards")
		var parts []string
		for n := range shards {
			parts = append(parts, fmt.Sprintf("invoice#open#%d#%d", round, n))
		}
		dates := rapid.SliceOfNDistinct(rapid.IntRange(0, 60), 0, 30, rapid.ID[int]).Draw(t, "items")
		q := store.Query{
			Index: store.ByList, Limit: rapid.IntRange(1, 8).Draw(t, "limit"), Desc: rapid.Bool().Draw(t, "desc"),
		}
		switch rapid.IntRange(0, 2).Draw(t, "bounds") {
		case 1:
			q.From = fmt.Sprintf("%02d", rapid.IntRange(0, 60).Draw(t, "from"))
			q.To = fmt.Sprintf("%02d", rapid.IntRange(0, 60).Draw(t, "to"))
		case 2:
			q.Prefix = fmt.Sprint(rapid.IntRange(0, 6).Draw(t, "prefix"))
		}
		var want []string
		for _, d := range dates {
			it := thing(fmt.Sprint("C#", round), fmt.Sprintf("%02d#id", d), `{}`)
			it.List = store.Key{PK: parts[rapid.IntRange(0, shards-1).Draw(t, "shard")], SK: it.SK}
			if err := e.Write(ctx, store.Put(it)); err != nil {
				t.Fatal(err)
			}
			if it.SK >= q.From && (q.To == "" || it.SK < q.To) && it.SK[:len(q.Prefix)] == q.Prefix {
				want = append(want, it.SK)
			}
		}
		slices.Sort(want)
		if q.Desc {
			slices.Reverse(want)
		}
		var got []string
		for pages := 0; ; pages++ {
			if pages > len(dates) {
				t.Fatalf("the list does not end: %q", got)
			}
			items, next, err := store.Merged(ctx, e, parts, q)
			if err != nil {
				t.Fatal(err)
			}
			if len(items) > q.Limit || (len(items) < q.Limit && next != "") {
				t.Fatalf("%d items on a page of %d, and the cursor %q", len(items), q.Limit, next)
			}
			items, err = store.Load(ctx, e, store.ByList, items)
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range items {
				if it.Version != 1 || string(it.Body) != `{}` {
					t.Fatalf("loaded %+v", it)
				}
				got = append(got, it.SK)
			}
			if q.Cursor = next; next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("listed %q, want %q", got, want)
		}
		if _, _, err := store.Merged(ctx, e, append(parts, "other"), store.Query{Index: store.ByList, Cursor: "AAAA"}); !errors.Is(err, store.ErrBadCursor) {
			t.Fatalf("a foreign cursor answered %v", err)
		}
	})
}

// What has left its place since it was found is not shown.
func TestLoadLeavesOutWhatMoved(t *testing.T) {
	ctx := context.Background()
	e := storetest.Embedded(t, now)
	var ops []store.Op
	for _, sk := range []string{"gone", "moved", "stays"} {
		it := thing("P", sk, `{}`)
		it.List = store.Key{PK: "L", SK: sk}
		ops = append(ops, store.Put(it))
	}
	if err := e.Write(ctx, ops...); err != nil {
		t.Fatal(err)
	}
	p, err := e.List(ctx, store.Query{Index: store.ByList, Partition: "L"})
	if err != nil {
		t.Fatal(err)
	}
	moved := ops[1].Item
	moved.Version, moved.List.PK = 1, "M"
	if err := e.Write(ctx, store.Put(moved), store.Delete(ops[0].Item.Key, 1), store.Put(thing("A", "1", `{}`))); err != nil {
		t.Fatal(err)
	}
	got, err := store.Load(ctx, e, store.ByList, p.Items)
	if err != nil || len(got) != 1 || got[0].SK != "stays" {
		t.Errorf("loaded %+v, %v", got, err)
	}
}
