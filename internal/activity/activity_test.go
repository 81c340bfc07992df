package activity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onebook/internal/fault"
	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

var ctx = context.Background()

const contact = "ct_06dqdpn801k5xgdst4z0"

var jane = By{Kind: Member, ID: "mb_1", Name: "Jane", Role: "owner"}

type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) Read(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.Read(p)
}

func newRecords(tb testing.TB) (*Records, *store.Embedded, *storetest.Clock) {
	clock := &storetest.Clock{}
	t := storetest.Embedded(tb, clock.Now)
	return &Records{Table: t, Now: clock.Now, Entropy: &dice{r: rand.New(rand.NewSource(1))}}, t, clock
}

func sale(n int64) []Posting {
	return []Posting{{Account: Receivable, Currency: "EUR", Amount: n, Ref: "in_1"}, {Account: Revenue, Currency: "EUR", Amount: -n}}
}

func (r *Records) do(tb failer, by By, d Deed) Entry {
	tb.Helper()
	e, err := r.Do(ctx, by, ContactChain(contact), func(context.Context, Head) (*Deed, error) { return &d, nil })
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

type failer interface {
	Helper()
	Fatal(...any)
}

// What was done is read back as it was told, newest first.
func TestWhatWasDoneIsReadBack(t *testing.T) {
	r, _, clock := newRecords(t)
	want := Entry{
		Seq: 1, At: clock.Now(), By: By{Kind: Member, ID: "mb_1", Name: "Jane"}, Kind: "invoice.issued", Subject: "in_1", Refs: map[string]string{"pdf": "x"},
		On: "2026-01-01", Postings: sale(11900), Text: "Issued <invoice> 1 & more\u2028", Reason: "because", Changes: []Change{{Field: "z", From: "a", To: "b"}, {Field: "a"}},
	}
	first := r.do(t, jane, Deed{
		Kind: want.Kind, Subject: want.Subject, Refs: want.Refs, On: want.On, Postings: want.Postings, Text: want.Text, Reason: want.Reason, Changes: want.Changes,
	})
	want.Hash = first.Hash
	if diff := cmp.Diff(want, first, cmp.AllowUnexported(By{})); diff != "" {
		t.Error(diff)
	}
	r.do(t, jane, Deed{Kind: "note"})
	got, next, err := r.Timeline(ctx, ContactChain(contact), 10, "")
	if err != nil || len(got) != 2 || next != "" || got[0].Seq != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	if diff := cmp.Diff(want, got[1], cmp.AllowUnexported(By{})); diff != "" {
		t.Error(diff)
	}
	if n, err := r.Verify(ctx, ContactChain(contact)); n != 2 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}

// A deed whose postings do not sum to zero in every currency, or lie on no day, or cannot be kept exactly, is not written.
func TestBooksMustBalance(t *testing.T) {
	r, table, _ := newRecords(t)
	for what, d := range map[string]Deed{
		"one side":       {On: "2026-01-01", Postings: sale(100)[:1]},
		"two currencies": {On: "2026-01-01", Postings: []Posting{{Account: Cash, Currency: "EUR", Amount: 1}, {Account: Revenue, Currency: "USD", Amount: -1}}},
		"no day":         {Postings: sale(100)},
		"past exactness": {On: "2026-01-01", Postings: sale(math.MaxInt64)},
		// Four times 2^62 is zero in 64 bits.
		"an overflow that looks even": {On: "2026-01-01", Postings: []Posting{{Account: Cash, Currency: "EUR", Amount: 1 << 62}, {Account: Cash, Currency: "EUR", Amount: 1 << 62}, {Account: Cash, Currency: "EUR", Amount: 1 << 62}, {Account: Cash, Currency: "EUR", Amount: 1 << 62}}},
	} {
		if _, err := r.Do(ctx, jane, ContactChain(contact), func(context.Context, Head) (*Deed, error) { return &d, nil }); err == nil {
			t.Errorf("%s was written", what)
		}
	}
	const most = 1<<53 - 1
	r.do(t, jane, Deed{On: "2026-01-01", Postings: sale(most)})
	d := Deed{On: "2026-01-01", Postings: sale(1)}
	if _, err := r.Do(ctx, jane, ContactChain(contact), func(context.Context, Head) (*Deed, error) { return &d, nil }); !errors.Is(err, fault.Invalid) {
		t.Errorf("a balance beyond what is exact: %v", err)
	}
	h, err := r.Head(ctx, ContactChain(contact))
	if err != nil || h.Seq != 1 || h.Balances["EUR"].Due != most {
		t.Errorf("%+v %v", h, err)
	}
	if cs, err := table.Changes(ctx, 0, 10); err != nil || len(cs) != 2 {
		t.Errorf("%d items were written for one deed, %v", len(cs), err)
	}
}

// Balances are the sums of the postings and nothing else, whatever was posted.
func TestBalancesAreSums(t *testing.T) {
	r, _, _ := newRecords(t)
	var done []Posting
	rapid.Check(t, func(t *rapid.T) {
		account := rapid.SampledFrom([]Account{Receivable, Credit, Cash, Revenue, Tax("S:19")})
		cur := rapid.SampledFrom([]string{"EUR", "JPY"}).Draw(t, "currency")
		n := rapid.Int64Range(-1e9, 1e9).Draw(t, "amount")
		ps := []Posting{{Account: account.Draw(t, "debit"), Currency: cur, Amount: n}, {Account: account.Draw(t, "credit"), Currency: cur, Amount: -n}}
		done = append(done, ps...)
		r.do(t, jane, Deed{On: "2026-01-01", Postings: ps})
		want := map[string]Balance{}
		for _, p := range done {
			b := want[p.Currency]
			switch p.Account {
			case Receivable:
				b.Due += p.Amount
			case Credit:
				b.Credit -= p.Amount
			}
			if want[p.Currency] = b; b == (Balance{}) {
				delete(want, p.Currency)
			}
		}
		h, err := r.Head(ctx, ContactChain(contact))
		if err != nil {
			t.Fatal(err)
		}
		if len(want) == 0 {
			want = nil
		}
		if diff := cmp.Diff(want, h.Balances); diff != "" {
			t.Fatal(diff)
		}
	})
	if n, err := r.Verify(ctx, ContactChain(contact)); err != nil || n != int64(len(done)/2) {
		t.Errorf("%d of %d, %v", n, len(done)/2, err)
	}
}

// 64 deeds on one contact at one moment: every one is written once, in one order, and the balance is right.
func TestDeedsAtOneMoment(t *testing.T) {
	r, _, _ := newRecords(t)
	const n = 64
	var wg sync.WaitGroup
	seqs := make([]int64, n)
	start := make(chan struct{})
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			<-start
			for {
				e, err := r.Do(ctx, jane, ContactChain(contact), func(_ context.Context, h Head) (*Deed, error) {
					// Each decision sees the balance as it will be when it commits.
					if due := h.Balances["EUR"].Due; due != h.Seq*(h.Seq+1)/2*100 {
						return nil, fmt.Errorf("at %d the balance was %d", h.Seq, due)
					}
					return &Deed{Kind: "sale", On: "2026-01-01", Postings: sale((h.Seq + 1) * 100), Text: fmt.Sprint("deed ", i)}, nil
				})
				if errors.Is(err, fault.Busy) {
					continue // the door answers 503, and the client asks again
				}
				if err != nil {
					t.Error(err)
				}
				seqs[i] = e.Seq
				return
			}
		}()
	}
	close(start)
	wg.Wait()
	seen := map[int64]bool{}
	for i, s := range seqs {
		if s < 1 || s > n || seen[s] {
			t.Errorf("deed %d has the sequence %d", i, s)
		}
		seen[s] = true
	}
	h, err := r.Head(ctx, ContactChain(contact))
	if err != nil || h.Seq != n || h.Balances["EUR"].Due != n*(n+1)/2*100 {
		t.Errorf("%+v %v", h, err)
	}
	if got, err := r.Verify(ctx, ContactChain(contact)); got != n || err != nil {
		t.Errorf("%d %v", got, err)
	}
}

// A contended chain ends in Busy and not in waiting for ever; nothing of the deed is written.
func TestContentionEndsInBusy(t *testing.T) {
	for _, c := range []struct {
		what    string
		most    int
		meddle  func(r *Records, n int) error // what comes between reading and writing
		op      func() store.Op
		decided int
	}{
		{"the head always moves", maxRedo, func(r *Records, n int) error {
			_, err := r.Do(ctx, jane, ContactChain(contact), func(context.Context, Head) (*Deed, error) { return &Deed{Kind: "other"}, nil })
			return err
		}, nil, maxRedo},
		{"another item is always contended", maxContended, nil, func() store.Op {
			return store.Check(store.Key{PK: "SERIES#x", SK: "SERIES"}, 7).Else(ErrContended)
		}, maxContended},
	} {
		r, _, _ := newRecords(t)
		decided := 0
		_, err := r.Do(ctx, jane, ContactChain(contact), func(context.Context, Head) (*Deed, error) {
			decided++
			d := &Deed{Kind: "mine"}
			if c.op != nil {
				d.Ops = append(d.Ops, c.op())
			}
			if c.meddle != nil {
				return d, c.meddle(r, decided)
			}
			return d, nil
		})
		if !errors.Is(err, fault.Busy) || decided != c.decided {
			t.Errorf("%s: %v after %d decisions", c.what, err, decided)
		}
		es, _, err := r.Timeline(ctx, ContactChain(contact), 0, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range es {
			if e.Kind == "mine" {
				t.Errorf("%s: it was written", c.what)
			}
		}
	}
}

// A decision may find that there is nothing to do, or refuse: then nothing is written, not even the Idempotency-Key.
func TestNothingToDoWritesNothing(t *testing.T) {
	r, table, _ := newRecords(t)
	by := jane
	by.Once = &Once{Key: "k", Request: "r", Status: 200}
	refuse := fault.Unready.Errorf("not now")
	for _, answer := range []error{nil, refuse} {
		e, err := r.Do(ctx, by, ContactChain(contact), func(context.Context, Head) (*Deed, error) { return nil, answer })
		if e.Seq != 0 || (answer == nil) != (err == nil) || answer != nil && !errors.Is(err, fault.Unready) {
			t.Errorf("%+v %v", e, err)
		}
	}
	if cs, err := table.Changes(ctx, 0, 10); err != nil || len(cs) != 0 {
		t.Errorf("%d items were written, %v", len(cs), err)
	}
}

// One Idempotency-Key does one deed, however many send it and however long it takes within its seven days; only the first
// transaction of a deed carries it.
func TestOneKeyOneDeed(t *testing.T) {
	r, _, clock := newRecords(t)
	by := func() By {
		b := jane
		b.Once = &Once{Key: "k", Request: "hash", Status: 201}
		return b
	}
	d := func(context.Context, Head) (*Deed, error) {
		return &Deed{Kind: "made", Subject: "in_7", Refs: map[string]string{"version": "1"}}, nil
	}
	const n = 32
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				// Each lands on a chain of its own, so that only the key decides.
				_, errs[i] = r.Do(ctx, by(), ContactChain(fmt.Sprintf("ct_%020d", i)), d)
				if !errors.Is(errs[i], fault.Busy) {
					return
				}
			}
		}()
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrOnce) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d deeds were done", won)
	}
	rec, ok, err := FindOnce(ctx, r.Table, clock.Now(), "k")
	if want := (OnceRecord{Request: "hash", Status: 201, Subject: "in_7", Refs: map[string]string{"version": "1"}}); !ok || err != nil || !cmp.Equal(rec, want) {
		t.Errorf("%+v %v %v", rec, ok, err)
	}
	two := by()
	two.Once.Key = "k2"
	for range 2 { // one deed in two transactions
		if _, err := r.Do(ctx, two, ContactChain(contact), d); err != nil {
			t.Error(err)
		}
	}
	clock.Move(7*24*time.Hour - time.Second)
	if _, err := r.Do(ctx, by(), ContactChain(contact), d); !errors.Is(err, ErrOnce) {
		t.Errorf("within seven days: %v", err)
	}
	clock.Move(time.Second)
	if _, ok, err := FindOnce(ctx, r.Table, clock.Now(), "k"); ok || err != nil {
		t.Errorf("after seven days it is still known: %v %v", ok, err)
	}
	if _, err := r.Do(ctx, by(), ContactChain(contact), d); err != nil {
		t.Errorf("after seven days: %v", err)
	}
}

// A deed whose answer was lost is not done twice, also when somebody did another one right behind it.
func TestALostAnswerIsFoundOut(t *testing.T) {
	clock := &storetest.Clock{}
	h := storetest.OpenEmbedded(t, clock.Now)
	r := &Records{Table: h.Table, Now: clock.Now, Entropy: &dice{r: rand.New(rand.NewSource(1))}}
	r.do(t, jane, Deed{Kind: "sale", On: "2026-01-01", Postings: sale(100)})
	h.LoseAnswer(func() { r.do(t, jane, Deed{Kind: "sale", On: "2026-01-01", Postings: sale(30)}) })
	if e := r.do(t, jane, Deed{Kind: "sale", On: "2026-01-01", Postings: sale(7)}); e.Seq != 2 {
		t.Errorf("it says %d", e.Seq)
	}
	head, err := r.Head(ctx, ContactChain(contact))
	if err != nil || head.Seq != 3 || head.Balances["EUR"].Due != 137 {
		t.Errorf("%+v %v", head, err)
	}
	if _, err := r.Verify(ctx, ContactChain(contact)); err != nil {
		t.Error(err)
	}
}

// Erasing a person removes the open parts; names of fields and amounts stay, and the chain still verifies.
func TestErasingKeepsTheChain(t *testing.T) {
	r, table, _ := newRecords(t)
	r.do(t, jane, Deed{Kind: "contact.changed", Text: "Changed the name of Jane", Changes: []Change{{Field: "name", From: "Jane Doe", To: "Jane Roe"}}})
	r.do(t, jane, Deed{Kind: "sale", On: "2026-01-01", Postings: sale(100)})
	edit(t, table, seqKey(1), func(st *stored) { st.Open = nil })
	if n, err := r.Verify(ctx, ContactChain(contact)); n != 2 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	es, _, err := r.Timeline(ctx, ContactChain(contact), 0, "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Change{{Field: "name"}}, es[1].Changes); diff != "" || es[1].Text != "" || es[1].By.Name != "" {
		t.Errorf("%+v", es[1])
	}
}

func edit(t testing.TB, table store.Table, sk string, change func(*stored)) {
	t.Helper()
	it, err := table.Get(ctx, store.Key{PK: "A#" + contact, SK: sk})
	if err != nil {
		t.Fatal(err)
	}
	var st stored
	if err := json.Unmarshal(it.Body, &st); err != nil {
		t.Fatal(err)
	}
	change(&st)
	if it.Body, err = json.Marshal(st); err != nil {
		t.Fatal(err)
	}
	overwrite(t, table, store.Put(it))
}

// overwrite writes past every rule, as somebody with the keys to the table could.
func overwrite(t testing.TB, table store.Table, ops ...store.Op) {
	t.Helper()
	tampering++
	ops = append(ops, store.Put(store.Item{Key: store.Key{PK: "TAMPER", SK: fmt.Sprint(tampering)}}))
	if err := table.Write(ctx, ops...); err != nil {
		t.Fatal(err)
	}
}

var tampering int

func newRand() *rand.Rand { return rand.New(rand.NewSource(2)) }
