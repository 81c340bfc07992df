package activity

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/fault"
	"onebook/internal/store"
)

const other = "ct_06dqdpn801k5xgdst500"

// pays is the credit of one contact that settles a receivable of another.
func pays(n int64) (from, to []Posting) {
	return []Posting{{Account: Credit, Currency: "EUR", Amount: n}, {Account: Between, Currency: "EUR", Amount: -n}},
		[]Posting{{Account: Between, Currency: "EUR", Amount: n}, {Account: Receivable, Currency: "EUR", Amount: -n}}
}

// settle lets other's credit pay what contact owes, as far as both reach at this moment, n at most.
func (r *Records) settle(n int64) (Entry, error) {
	return r.Do(ctx, jane, ContactChain(contact), func(ctx context.Context, h Head) (*Deed, error) {
		oh, err := r.Head(ctx, ContactChain(other))
		if err != nil {
			return nil, err
		}
		n := min(n, oh.Balances["EUR"].Credit, h.Balances["EUR"].Due)
		if n == 0 {
			return nil, nil
		}
		from, to := pays(n)
		return &Deed{
			Kind: "credit.applied", On: "2026-01-01", Postings: to,
			Beside: []Beside{{Chain: ContactChain(other), Head: oh, Deed: Deed{Kind: "credit.used", On: "2026-01-01", Postings: from}}},
		}, nil
	})
}

func (r *Records) credit(tb testing.TB, n int64) {
	tb.Helper()
	_, err := r.Do(ctx, jane, ContactChain(other), func(context.Context, Head) (*Deed, error) {
		return &Deed{Kind: "paid", On: "2026-01-01", Postings: []Posting{{Account: Bank, Currency: "EUR", Amount: n}, {Account: Credit, Currency: "EUR", Amount: -n}}}, nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// Credit that many spend at one moment, while both contacts go on, is spent once: nothing is lost and nothing made, and
// both histories verify.
func TestOneDeedOnTwoChains(t *testing.T) {
	r, _, _ := newRecords(t)
	r.do(t, jane, Deed{Kind: "sale", On: "2026-01-01", Postings: sale(1000)})
	r.credit(t, 70)
	var wg sync.WaitGroup
	for range 12 {
		wg.Add(2)
		go func() {
			defer wg.Done()
			for {
				if _, err := r.settle(10); !errors.Is(err, fault.Busy) {
					if err != nil {
						t.Error(err)
					}
					return
				}
			}
		}()
		go func() {
			defer wg.Done()
			for {
				// Every one of these moves the head that the deed beside has read.
				_, err := r.Do(ctx, jane, ContactChain(other), func(context.Context, Head) (*Deed, error) { return &Deed{Kind: "note"}, nil })
				if !errors.Is(err, fault.Busy) {
					return
				}
			}
		}()
	}
	wg.Wait()
	h, err := r.Head(ctx, ContactChain(contact))
	if err != nil || h.Balances["EUR"] != (Balance{Due: 930}) {
		t.Errorf("%+v %v", h.Balances, err)
	}
	if h, err = r.Head(ctx, ContactChain(other)); err != nil || len(h.Balances) != 0 {
		t.Errorf("%+v %v", h.Balances, err)
	}
	for _, c := range []string{contact, other} {
		if _, err := r.Verify(ctx, ContactChain(c)); err != nil {
			t.Error(err)
		}
	}
}

// A deed of two chains whose conditions fail on one of them leaves both as they were; so does one that leaves money
// between the contacts.
func TestTwoChainsOrNone(t *testing.T) {
	r, table, _ := newRecords(t)
	r.credit(t, 70)
	refuse := fault.Unready.Errorf("not now")
	from, _ := pays(70)
	for what, b := range map[string]Deed{
		"refused by a condition": {Kind: "x", Ops: []store.Op{store.Check(store.Key{PK: "SERIES#x", SK: "SERIES"}, 7).Else(refuse)}},
		"money between":          {Kind: "x", On: "2026-01-01", Postings: from},
	} {
		_, err := r.Do(ctx, jane, ContactChain(contact), func(ctx context.Context, _ Head) (*Deed, error) {
			oh, err := r.Head(ctx, ContactChain(other))
			return &Deed{Kind: "mine", Beside: []Beside{{Chain: ContactChain(other), Head: oh, Deed: b}}}, err
		})
		if err == nil {
			t.Errorf("%s: it was written", what)
		}
	}
	if cs, err := table.Changes(ctx, 0, 100); err != nil || len(cs) != 2 {
		t.Errorf("%d items were written, %v", len(cs), err)
	}
}

// A merge ties heads without a word in every chain, and what begins for the one that is gone begins with the survivor,
// also when it is merged at that very moment.
func TestWhatBeginsFollowsAMerge(t *testing.T) {
	r, _, _ := newRecords(t)
	third := "ct_06dqdpn801k5xgdst510"
	merge := func() {
		_, err := r.Do(ctx, jane, ContactChain(other), func(ctx context.Context, h Head) (*Deed, error) {
			lost, err := r.Head(ctx, ContactChain(contact))
			if err != nil {
				return nil, err
			}
			silent, err := r.Head(ctx, ContactChain(third))
			return &Deed{
				Kind: "merged", Tie: &Tie{Members: []string{contact, third}},
				Beside: []Beside{
					{Chain: ContactChain(contact), Head: lost, Deed: Deed{Kind: "merged", Tie: &Tie{MergedInto: other}}},
					{Chain: ContactChain(third), Head: silent, Deed: Deed{Tie: &Tie{MergedInto: other}}},
				},
			}, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.do(t, jane, Deed{Kind: "sale", On: "2026-01-01", Postings: sale(100)})
	var whose []string
	_, err := r.Begin(ctx, jane, contact, func(_ context.Context, c string, _ Head) (*Deed, error) {
		if whose = append(whose, c); len(whose) == 1 {
			merge()
		}
		return &Deed{Kind: "drafted"}, nil
	})
	if err != nil || !cmp.Equal(whose, []string{contact, other}) {
		t.Errorf("%v %v", whose, err)
	}
	if _, err := r.Begin(ctx, jane, third, func(_ context.Context, c string, _ Head) (*Deed, error) {
		return &Deed{Kind: "drafted", Subject: c}, nil
	}); err != nil {
		t.Error(err)
	}
	got := map[string]string{}
	for _, c := range []string{contact, other, third} {
		h, err := r.Head(ctx, ContactChain(c))
		if err != nil {
			t.Fatal(err)
		}
		got[c] = fmt.Sprintf("%d %v %s %v", h.Seq, h.Members, h.MergedInto, h.Balances)
		if _, err := r.Verify(ctx, ContactChain(c)); err != nil {
			t.Error(err)
		}
	}
	want := map[string]string{
		contact: "2 [] " + other + " map[EUR:{100 0}]", other: "3 [" + contact + " " + third + "]  map[]", third: "0 [] " + other + " map[]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
