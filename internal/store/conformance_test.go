package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

func TestEmbedded(t *testing.T) { storetest.Run(t, storetest.OpenEmbedded) }

func TestDynamoDB(t *testing.T) { storetest.Run(t, storetest.OpenDynamoDB) }

// The drivers answer alike, whatever is done.
func TestDriversAgree(t *testing.T) {
	storetest.Compare(t, storetest.OpenDynamoDB, storetest.OpenEmbedded)
}

// A listing that one driver has begun the other can go on with: cursors do not depend on who made them.
func TestCursorsTravel(t *testing.T) {
	ctx := context.Background()
	drivers := []store.Table{storetest.OpenDynamoDB(t, now).Table, storetest.OpenEmbedded(t, now).Table}
	for _, d := range drivers {
		for i := range 6 {
			it := thing("P", fmt.Sprint(i), `{}`)
			it.Due = store.Key{PK: "D", SK: it.SK}
			if err := d.Write(ctx, store.Put(it)); err != nil {
				t.Fatal(err)
			}
		}
		twin := thing("A", "9", `{}`)
		twin.Due = store.Key{PK: "D", SK: "4"}
		if err := d.Write(ctx, store.Put(twin)); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []store.Index{store.Main, store.Due} {
		for _, desc := range []bool{false, true} {
			q := store.Query{Index: x, Partition: map[store.Index]string{store.Main: "P", store.Due: "D"}[x], From: "1", To: "4", Desc: desc, Limit: 1}
			var got []string
			for n := 0; n == 0 || q.Cursor != ""; n++ {
				p, err := drivers[n%2].List(ctx, q)
				if err != nil {
					t.Fatal(err)
				}
				for _, it := range p.Items {
					got = append(got, it.SK)
				}
				q.Cursor = p.Cursor
			}
			want := []string{"1", "2", "3"}
			if desc {
				slices.Reverse(want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q, desc %v: %q, want %q", x, desc, got, want)
			}
		}
	}
}
