package activity

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// The history of a thing is exactly the entries that are about it or name it, newest first, whatever the size of the pages.
func TestHistoryOfOneThing(t *testing.T) {
	r, _, _ := newRecords(t)
	chain := ContactChain(contact)
	var want []int64
	for n := range 60 {
		d := &Deed{Kind: "thing.changed", Subject: fmt.Sprintf("th_%d", n%7), Text: "x"}
		if n%11 == 0 {
			d.Refs = map[string]string{"other": "th_3"}
		}
		e, err := r.Do(ctx, jane, chain, func(context.Context, Head) (*Deed, error) { return d, nil })
		if err != nil {
			t.Fatal(err)
		}
		if n%7 == 3 || n%11 == 0 {
			want = append(want, e.Seq)
		}
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 2, 3, 200} {
		var got []int64
		for cursor := ""; ; {
			es, next, err := r.History(ctx, chain, "th_3", limit, cursor)
			if err != nil || len(es) > limit {
				t.Fatalf("by %d: %d entries, %v", limit, len(es), err)
			}
			for _, e := range es {
				got = append(got, e.Seq)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v, want %v", limit, got, want)
		}
	}
}

// The organisation's history goes on over the months.
func TestHistoryOverMonths(t *testing.T) {
	r, _, clock := newRecords(t)
	var want []string
	for n := range 9 {
		at := clock.Now()
		text := fmt.Sprintf("change %d", n)
		_, err := r.Do(ctx, jane, OrgChain(at), func(context.Context, Head) (*Deed, error) {
			return &Deed{Kind: "settings.changed", Subject: "ORG", Text: text}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want = append([]string{text}, want...)
		clock.Move(16 * 24 * time.Hour)
	}
	for _, limit := range []int{1, 2, 4, 100} {
		var got []string
		for cursor := ""; ; {
			es, next, err := r.OrgHistory(ctx, "", limit, cursor)
			if err != nil || len(es) > limit {
				t.Fatal(len(es), err)
			}
			for _, e := range es {
				got = append(got, e.Text)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v", limit, got)
		}
	}
}
