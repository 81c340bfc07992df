package store_test

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

// Several runs read as one show every item exactly once, in the order of what follows each run's prefix, whatever the size
// of a page; a cursor of other runs is refused.
func TestSeveralRunsAreReadAsOne(t *testing.T) {
	ctx, clock := context.Background(), &storetest.Clock{}
	rapid.Check(t, func(rt *rapid.T) {
		tab := storetest.Embedded(t, clock.Now)
		var want []string
		var qs []store.Query
		desc := rapid.Bool().Draw(rt, "desc")
		for n, count := range rapid.SliceOfN(rapid.IntRange(0, 9), 1, 5).Draw(rt, "items") {
			// The runs' own parts of the key order otherwise than their items do.
			q := store.Query{Partition: fmt.Sprintf("C#%d", n/2), Prefix: fmt.Sprintf("%c#x%d_", 'Z'-n, 9-n), Desc: desc}
			qs = append(qs, q)
			for i := range count {
				rank := fmt.Sprintf("%03d-%d", rapid.IntRange(0, 99).Draw(rt, "rank"), 100*n+i)
				want = append(want, rank)
				if err := tab.Write(ctx, store.Put(store.Item{Key: store.Key{PK: q.Partition, SK: q.Prefix + rank}, Kind: "x", Body: []byte("{}")})); err != nil {
					rt.Fatal(err)
				}
			}
		}
		sort.Strings(want)
		if desc {
			slices.Reverse(want)
		}
		var got []string
		for cursor := ""; ; {
			limit := rapid.IntRange(1, 7).Draw(rt, "limit")
			items, next, err := store.Together(ctx, tab, qs, limit, cursor)
			if err != nil || len(items) > limit {
				rt.Fatal(len(items), err)
			}
			for _, it := range items {
				_, rank, _ := strings.Cut(it.SK, "_")
				got = append(got, rank)
			}
			if cursor = next; cursor == "" {
				break
			}
			if _, _, err := store.Together(ctx, tab, append(qs, store.Query{Partition: "C#z", Desc: desc}), 1, cursor); err == nil {
				rt.Fatal("a cursor of other runs was taken")
			}
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%v, want %v", got, want)
		}
	})
}
